package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;

/// The perturbation that the square attack puts into a window (Andriushchenko et al. 2020, arXiv:1912.00049, section 3.3): two centred
/// bumps of opposite sign, one in the upper and one in the lower half, or left and right. Ring `c` of concentric odd squares around a
/// half's centre adds `1 / (c + 1)²`, or in l1 `1 / (c + 1)⁴`, as the official code of Croce and Hein 2021 (arXiv:2103.01208) has it. Each
/// half has length 1, then the whole, in the norm of the ball.
final class SquarePattern {

    private SquarePattern() {}

    /// A pattern `[rows, columns]` of length 1, transposed with probability one half.
    ///
    /// @param ball l2 or l1
    static double[] random(ThreatModel.Ball ball, int rows, int columns, RandomStream random) {
        return random.nextBoolean(0.5f)
                ? transposed(upright(ball, columns, rows), /* rows= */ columns, /* columns= */ rows)
                : upright(ball, rows, columns);
    }

    /// The pattern with the positive half on top.
    static double[] upright(ThreatModel.Ball ball, int rows, int columns) {
        double[] pattern = new double[rows * columns];
        int middle = rows / 2;
        bump(ball, pattern, 0, middle, columns, 1);
        bump(ball, pattern, middle, rows - middle, columns, -1);
        normalize(ball, pattern, 0, pattern.length, 1);
        return pattern;
    }

    private static void bump(ThreatModel.Ball ball, double[] pattern, int top, int rows, int columns, double sign) {
        int centreRow = rows / 2;
        int centreColumn = columns / 2;
        for (int ring = 0; ring <= Math.max(centreRow, centreColumn); ring++) {
            double squared = (ring + 1) * (ring + 1);
            double height = 1 / (ball == ThreatModel.Ball.L1 ? squared * squared : squared);
            for (int r = Math.max(centreRow - ring, 0); r < Math.min(centreRow + ring + 1, rows); r++) {
                for (int c = Math.max(centreColumn - ring, 0); c < Math.min(centreColumn + ring + 1, columns); c++) {
                    pattern[(top + r) * columns + c] += height;
                }
            }
        }
        normalize(ball, pattern, top * columns, rows * columns, sign);
    }

    private static void normalize(ThreatModel.Ball ball, double[] pattern, int from, int length, double sign) {
        double sum = 0;
        for (int j = from; j < from + length; j++) {
            sum += ball == ThreatModel.Ball.L1 ? Math.abs(pattern[j]) : pattern[j] * pattern[j];
        }
        double size = ball == ThreatModel.Ball.L1 ? sum : Math.sqrt(sum);
        for (int j = from; j < from + length; j++) {
            pattern[j] *= sign / size;
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
