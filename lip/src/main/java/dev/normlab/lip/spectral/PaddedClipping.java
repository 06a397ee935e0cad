package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.RandomStream;
import java.util.stream.IntStream;

/// Singular value clipping of a convolution as it is: with its zero padding and its strides, on its own matrix instead of a torus.
///
/// What is guaranteed: afterwards [L2Bound], and with it the layer's l2 norm, is at most the limit. A layer whose bound is at most the
/// limit already keeps its weights bit for bit. Otherwise
///
/// - a small layer is projected in turns onto the matrices of norm `r` and onto the matrices of such layers: `K ← K - A*(E)/n` with
///   `E = Σ_{σ > r} (σ - r)·u·vᵀ`, where `A*` adds up what belongs to one weight and `n` is the number of places where that weight stands;
/// - a large layer is clipped on the torus that contains it, at a level that is found by bisection so that the padded layer itself ends at
///   `r`;
/// - the kernel is then scaled by `r/bound`, and plain scaling of the given kernel is taken instead where that is nearer.
///
/// Layers with other borders than zeros are scaled.
public final class PaddedClipping {

    private static final int LARGEST_DENSE = 300;
    private static final int MOST_STEPS = 100;
    private static final double DENSE_TOLERANCE = 1e-3;
    private static final int SWEEPS = 2;
    private static final int BISECTIONS = 5;
    private static final double CLOSE = 0.01;
    private static final LargestSingularValue.Options MEASURE = new LargestSingularValue.Options(1e-3, 60);

    private PaddedClipping() {}

    /// Clips a convolution of one image.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major, not modified
    /// @param limit  the largest norm allowed
    /// @param random source of the starts from which norms are estimated
    /// @return with the bounds before and after
    /// @throws ArithmeticException if the weights are not finite
    public static SingularValueClipping.Result clip(Conv2dSizes s, PadMode mode, float[] weight, double limit, Device device,
            RandomStream random) {
        if (!(limit > 0 && limit < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("singular value clipping needs a positive limit, but got " + limit);
        }
        double before = L2Bound.ofConvolution(s, mode, weight, device.workers()).value();
        if (before <= limit) {
            return new SingularValueClipping.Result(weight.clone(), before, before, 0);
        }
        float[] scaled = weight.clone();
        SingularValueClipping.scale(scaled, limit / before);
        if (mode != PadMode.ZERO) {
            return result(s, mode, scaled, before, 0, device);
        }
        float[] clipped = weight.clone();
        boolean small = Math.min(s.outputShape().elements(), s.inputShape().elements()) <= LARGEST_DENSE;
        int passes = small ? clipMatrix(s, clipped, limit) : clipTorus(s, clipped, limit, device, random);
        double bound = L2Bound.ofConvolution(s, clipped, device.workers()).value();
        if (bound > limit) {
            SingularValueClipping.scale(clipped, limit / bound);
        }
        boolean scalingIsNearer = distance(weight, scaled) <= distance(weight, clipped);
        return result(s, mode, scalingIsNearer ? scaled : clipped, before, scalingIsNearer ? 0 : passes, device);
    }

    private static SingularValueClipping.Result result(Conv2dSizes s, PadMode mode, float[] clipped, double before, int passes,
            Device device) {
        double after = L2Bound.ofConvolution(s, mode, clipped, device.workers()).value();
        return new SingularValueClipping.Result(clipped, before, after, passes);
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return sum;
    }

    /// Alternating projections with the whole matrix.
    private static int clipMatrix(Conv2dSizes s, float[] weight, double limit) {
        int area = s.kh() * s.kw();
        boolean tall = DenseConvolution.isTall(s);
        for (int step = 0; step < MOST_STEPS; step++) {
            Excess excess = Excess.of(DenseConvolution.matrix(s, weight), limit, SvdMethod.GRAM);
            ComplexMatrix matrix = excess.matrix();
            if (matrix == null || excess.largest() <= limit * (1 + DENSE_TOLERANCE)) {
                return step;
            }
            double[] sums = new double[weight.length];
            DenseConvolution.forEachEntry(s,
                    (output, input, index) -> sums[index] += matrix.re[tall ? output : input][tall ? input : output]);
            int[] counts = IntStream.range(0, area).map(tap -> LiveTaps.count(s, tap)).toArray();
            for (int i = 0; i < weight.length; i++) {
                int places = counts[i % area];
                weight[i] = places == 0 ? weight[i] : (float) (weight[i] - sums[i] / places);
            }
        }
        return MOST_STEPS;
    }

    /// Clips on the torus at the level between `limit` and twice that at which the padded layer's own norm is the limit.
    private static int clipTorus(Conv2dSizes s, float[] weight, double limit, Device device, RandomStream random) {
        float[] best = clippedOnTorus(s, weight, limit, device);
        double norm = norm(s, best, device, random);
        double low = limit;
        double high = 2 * limit;
        for (int i = 0; i < BISECTIONS && norm < limit * (1 - CLOSE); i++) {
            double level = (low + high) / 2;
            float[] candidate = clippedOnTorus(s, weight, level, device);
            double found = norm(s, candidate, device, random);
            if (found <= limit) {
                low = level;
                best = candidate;
                norm = found;
            } else {
                high = level;
            }
        }
        System.arraycopy(best, 0, weight, 0, weight.length);
        return SWEEPS;
    }

    private static float[] clippedOnTorus(Conv2dSizes s, float[] weight, double level, Device device) {
        float[] clipped = LiveTaps.of(s, weight);
        for (int sweep = 0; sweep < SWEEPS; sweep++) {
            SingularValueClipping.pass(CircularConvolution.around(s), clipped, level, SvdMethod.GRAM, device.workers());
        }
        // taps that never read a pixel are not the layer's matter
        float[] live = LiveTaps.of(s, weight);
        for (int i = 0; i < clipped.length; i++) {
            clipped[i] = live[i] == weight[i] ? clipped[i] : weight[i];
        }
        return clipped;
    }

    private static double norm(Conv2dSizes s, float[] weight, Device device, RandomStream random) {
        return LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, random, MEASURE, device).value();
    }
}
