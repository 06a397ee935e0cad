package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;
import org.jspecify.annotations.Nullable;

/// Proposals of the square attack for l2 (Andriushchenko et al. 2020, arXiv:1912.00049, algorithm 3) and l1 (Croce and Hein 2021,
/// arXiv:2103.01208): the perturbation's length moves from one window to another.
///
/// The start is five by five tiles of [SquarePattern], a random sign for each channel. A proposal chooses two windows of one odd side; in
/// every channel the first gets the direction (pattern with a random sign + what is there, scaled to length 1) at the length that both
/// windows had, plus a channel's share of what the perturbation is shorter than eps; the second becomes zero. The whole is brought to
/// length eps and into the box (for l1: the nearest point of ball and box). All lengths are in the norm of the ball.
final class WindowMoves implements SquareMoves {

    private static final int TILES = 5;
    private static final double SMALLEST = 1e-12;

    private final ThreatModel threat;
    private final int channels;
    private final int height;
    private final int width;

    WindowMoves(ThreatModel threat, int channels, int height, int width) {
        this.threat = threat;
        this.channels = channels;
        this.height = height;
        this.width = width;
    }

    /// A square of an image.
    private record Window(int top, int left, int side) {

        boolean contains(int row, int column) {
            return row >= top && row < top + side && column >= left && column < left + side;
        }
    }

    /// The side of a window: odd, at least 3 where the image allows it.
    int side(double share) {
        int side = Math.max((int) Math.rint(Math.sqrt(share * height * width)), 3);
        int odd = side % 2 == 0 ? side + 1 : side;
        int most = Math.min(height, width);
        return Math.min(odd, most % 2 == 0 ? most - 1 : most);
    }

    @Override
    public void start(float[] clean, float[] candidate, RandomStream random) {
        int tileHeight = Math.max(height / TILES, 1);
        int tileWidth = Math.max(width / TILES, 1);
        int down = Math.min(TILES, height);
        int across = Math.min(TILES, width);
        int top = (height - down * tileHeight) / 2;
        int left = (width - across * tileWidth) / 2;
        double[] delta = new double[clean.length];
        for (int tile = 0; tile < down * across; tile++) {
            int row = top + tile / across * tileHeight;
            int column = left + tile % across * tileWidth;
            double[] pattern = SquarePattern.random(threat.ball(), tileHeight, tileWidth, random);
            for (int c = 0; c < channels; c++) {
                double sign = random.nextBoolean(0.5f) ? 1 : -1;
                for (int k = 0; k < pattern.length; k++) {
                    delta[(c * height + row + k / tileWidth) * width + column + k % tileWidth] = sign * pattern[k];
                }
            }
        }
        write(delta, clean, candidate);
    }

    @Override
    public void propose(double share, float[] clean, float[] best, float[] candidate, RandomStream random) {
        int side = side(share);
        Window one = window(side, random);
        Window two = window(side, random);
        double[] delta = new double[clean.length];
        for (int j = 0; j < delta.length; j++) {
            delta[j] = (double) best[j] - clean[j];
        }
        double missing = power(threat.eps()) - power(delta, 0, delta.length);
        double[] pattern = SquarePattern.random(threat.ball(), side, side, random);
        for (int c = 0; c < channels; c++) {
            double sign = random.nextBoolean(0.5f) ? 1 : -1;
            double length = root(Math.max(missing, 0) / channels + powerOfUnion(delta, c, one, two));
            double[] direction = direction(delta, c, one, pattern, sign);
            fill(delta, c, two, null, 0);
            fill(delta, c, one, direction, length);
        }
        write(delta, clean, candidate);
    }

    private Window window(int side, RandomStream random) {
        int top = random.nextInt(height - side + 1);
        return new Window(top, random.nextInt(width - side + 1), side);
    }

    /// The pattern plus what is in the window at length 1, at length 1 together.
    private double[] direction(double[] delta, int channel, Window window, double[] pattern, double sign) {
        double[] old = new double[pattern.length];
        for (int k = 0; k < old.length; k++) {
            old[k] = delta[index(channel, window, k)];
        }
        double length = root(power(old, 0, old.length)) + SMALLEST;
        for (int k = 0; k < old.length; k++) {
            old[k] = sign * pattern[k] + old[k] / length;
        }
        double total = root(power(old, 0, old.length)) + SMALLEST;
        for (int k = 0; k < old.length; k++) {
            old[k] /= total;
        }
        return old;
    }

    private void fill(double[] delta, int channel, Window window, double @Nullable [] direction, double length) {
        for (int k = 0; k < window.side() * window.side(); k++) {
            delta[index(channel, window, k)] = direction == null ? 0 : length * direction[k];
        }
    }

    private int index(int channel, Window window, int k) {
        return (channel * height + window.top() + k / window.side()) * width + window.left() + k % window.side();
    }

    private double powerOfUnion(double[] delta, int channel, Window one, Window two) {
        double sum = 0;
        for (int k = 0; k < one.side() * one.side(); k++) {
            sum += power(delta[index(channel, one, k)]);
            boolean shared = one.contains(two.top() + k / two.side(), two.left() + k % two.side());
            sum += shared ? 0 : power(delta[index(channel, two, k)]);
        }
        return sum;
    }

    /// Squares for l2, magnitudes for l1: what adds up to a length.
    private double power(double value) {
        return threat.ball() == ThreatModel.Ball.L2 ? value * value : Math.abs(value);
    }

    private double power(double[] values, int from, int to) {
        double sum = 0;
        for (int j = from; j < to; j++) {
            sum += power(values[j]);
        }
        return sum;
    }

    private double root(double sum) {
        return threat.ball() == ThreatModel.Ball.L2 ? Math.sqrt(sum) : sum;
    }

    private void write(double[] delta, float[] clean, float[] candidate) {
        double length = root(power(delta, 0, delta.length));
        double factor = length == 0 ? 0 : threat.eps() / length;
        for (int j = 0; j < delta.length; j++) {
            candidate[j] = (float) (clean[j] + factor * delta[j]);
        }
        threat.ball().project(threat.eps(), clean, candidate, 0, clean.length);
    }
}
