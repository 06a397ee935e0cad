package dev.normlab.attacks;

import dev.normlab.engine.kernel.BallProjection;
import dev.normlab.engine.tensor.RandomStream;

/// Proposals of the square attack for linf (Andriushchenko, Croce, Flammarion and Hein 2020, arXiv:1912.00049, algorithm 2): the start is
/// `x0 ± eps` with a random sign for every channel and column; a proposal adds `±2 eps`, a sign for each channel, inside a square and
/// projects.
///
/// @param eps      the radius
/// @param channels of an image
/// @param height   of an image
/// @param width    of an image
record StripeMoves(double eps, int channels, int height, int width) implements SquareMoves {

    /// The side of a square with a share of the pixels: at least 1 and not longer than the image.
    int side(double share) {
        int side = (int) Math.rint(Math.sqrt(share * height * width));
        return Math.clamp(side, 1, Math.min(height, width));
    }

    @Override
    public void start(float[] clean, float[] candidate, RandomStream random) {
        for (int c = 0; c < channels; c++) {
            for (int iw = 0; iw < width; iw++) {
                double delta = random.nextBoolean(0.5f) ? eps : -eps;
                for (int ih = 0; ih < height; ih++) {
                    int j = (c * height + ih) * width + iw;
                    candidate[j] = BallProjection.moved(clean[j], delta);
                }
            }
        }
    }

    @Override
    public void propose(double share, float[] clean, float[] best, float[] candidate, RandomStream random) {
        int side = side(share);
        int top = random.nextInt(height - side + 1);
        int left = random.nextInt(width - side + 1);
        System.arraycopy(best, 0, candidate, 0, best.length);
        for (int c = 0; c < channels; c++) {
            double change = random.nextBoolean(0.5f) ? 2 * eps : -2 * eps;
            for (int ih = top; ih < top + side; ih++) {
                for (int iw = left; iw < left + side; iw++) {
                    int j = (c * height + ih) * width + iw;
                    candidate[j] = BallProjection.moved(clean[j], Math.clamp(best[j] + change - clean[j], -eps, eps));
                }
            }
        }
    }
}
