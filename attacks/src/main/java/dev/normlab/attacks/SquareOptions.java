package dev.normlab.attacks;

/// How the square attack runs.
///
/// @param queries  forward passes an image and restart may take, the start included
/// @param restarts runs; later ones see the images that no earlier one fooled
/// @param share    first share of the image's pixels that a proposal changes
public record SquareOptions(int queries, int restarts, double share) {

    /// As AutoAttack runs it: 5000 queries once, squares of 80% of the pixels at first.
    public static final SquareOptions DEFAULT = new SquareOptions(5000, 1, 0.8);

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a count is below 1 or the share is not in (0, 1]
    public SquareOptions {
        if (queries < 1 || restarts < 1 || !(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "square: queries and restarts are at least 1 and the share is in (0, 1], but got " + queries + ", "
                            + restarts + " and " + share);
        }
    }

    /// These options with another number of queries.
    public SquareOptions withQueries(int count) {
        return new SquareOptions(count, restarts, share);
    }

    /// These options with another number of restarts.
    public SquareOptions withRestarts(int count) {
        return new SquareOptions(queries, count, share);
    }

    /// The share of pixels at an iteration, counted from 1: halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 iterations
    /// whatever the budget.
    public double share(int iteration) {
        int[] ends = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
        double left = share;
        for (int end : ends) {
            left = iteration > end ? left / 2 : left;
        }
        return left;
    }
}
