package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;

/// The perturbation that the square attack puts into a window (Andriushchenko et al. 2020, arXiv:1912.00049, section 3.3): two centred
/// bumps of opposite sign, one in the upper and one in the lower half, or left and right. Ring `c` of concentric odd squares around a
/// half's centre adds `1 / (c + 1)²`; each half has length 1, then the whole.
final class SquarePattern {

    private SquarePattern() {}

    /// A pattern `[rows, columns]` of Euclidean length 1, transposed with probability one half.
    static double[] random(int rows, int columns, RandomStream random) {
        return random.nextBoolean(0.5f)
                ? transposed(upright(columns, rows), /* rows= */ columns, /* columns= */ rows)
                : upright(rows, columns);
    }

    /// The pattern with the positive half on top.
    static double[] upright(int rows, int columns) {
        double[] pattern = new double[rows * columns];
        int middle = rows / 2;
        bump(pattern, 0, middle, columns, 1);
        bump(pattern, middle, rows - middle, columns, -1);
        normalize(pattern, 0, pattern.length, 1);
        return pattern;
    }

    private static void bump(double[] pattern, int top, int rows, int columns, double sign) {
        int centreRow = rows / 2;
        int centreColumn = columns / 2;
        for (int ring = 0; ring <= Math.max(centreRow, centreColumn); ring++) {
            double height = 1.0 / ((ring + 1) * (ring + 1));
            for (int r = Math.max(centreRow - ring, 0); r < Math.min(centreRow + ring + 1, rows); r++) {
                for (int c = Math.max(centreColumn - ring, 0); c < Math.min(centreColumn + ring + 1, columns); c++) {
                    pattern[(top + r) * columns + c] += height;
                }
            }
        }
        normalize(pattern, top * columns, rows * columns, sign);
    }

    private static void normalize(double[] pattern, int from, int length, double sign) {
        double squares = 0;
        for (int j = from; j < from + length; j++) {
            squares += pattern[j] * pattern[j];
        }
        for (int j = from; j < from + length; j++) {
            pattern[j] *= sign / Math.sqrt(squares);
        }
    }

    private static double[] transposed(double[] pattern, int rows, int columns) {
        double[] result = new double[pattern.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                result[c * rows + r] = pattern[r * columns + c];
            }
        }
        return result;
    }
}
