package dev.normlab.testkit;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.testkit.ConvolutionCases.Sizes;
import dev.normlab.testkit.ConvolutionCases.Tolerance;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Convolutions with what is fused behind them: a batch norm of given statistics, or the statistics of one.
final class FusedConvolutionCases {

    private FusedConvolutionCases() {}

    /// Statistics of results with planes of several hundred pixels, which convolutions complete in bands.
    static List<OperationCase> inBands(long seed) {
        List<Sizes> sizes = List.of(Sizes.of(2, 16, 32, 32, 20, 3, 3).pad(1), Sizes.of(1, 16, 20, 20, 16, 1, 1),
                Sizes.of(3, 16, 16, 16, 16, 3, 3).pad(1), Sizes.of(1, 24, 64, 64, 16, 1, 1), Sizes.of(2, 3, 33, 35, 16, 3, 3).pad(1),
                Sizes.of(2, 16, 24, 24, 16, 3, 3).pad(1).groups(2), Sizes.of(1, 32, 32, 64, 32, 3, 3).pad(1).groups(4),
                Sizes.of(2, 16, 40, 40, 16, 3, 3).pad(1).groups(16), Sizes.of(1, 16, 64, 32, 32, 3, 3).pad(1).stride(2, 1));
        List<OperationCase> cases = new ArrayList<>();
        for (int i = 0; i < sizes.size(); i++) {
            cases.add(statistics(sizes.get(i).complete(), seed + i, Expected::sums));
        }
        return cases;
    }

    /// With the statistics of the batch norm behind it. Every third bias is far from zero, where sums of squares would cancel.
    static OperationCase statistics(Conv2dSizes s, long seed, Tolerance tolerance) {
        Tensor x = Samples.uniform(100 * seed, s.inputShape().toArray());
        Tensor weight = Samples.uniform(100 * seed + 1, s.weightShape().toArray());
        float[] biases = Samples.uniform(100 * seed + 2, s.o()).toArray();
        for (int i = 2; i < biases.length; i += 3) {
            biases[i] += 100;
        }
        Tensor bias = Tensor.of(Shape.of(s.o()), biases);
        TensorSpec channels = TensorSpec.floats(Shape.of(s.o()));
        return OperationCase.of(s.toString(), Opcode.CONV2D_STATISTICS, s, List.of(TensorSpec.floats(s.outputShape()), channels, channels),
                () -> {
                    Expected y = ConvolutionCases.forward(s, x, weight, bias, tolerance);
                    return List.of(y, moment(s, y, false), moment(s, y, true));
                }, x, weight, bias);
    }

    /// Mean or variance of the channels. If values are off by `t` each, the mean is off by their mean, and the variance by `2 σ t + t²` at
    /// most; floats that are added up in parts of 256 add a few roundings of the largest.
    private static Expected moment(Conv2dSizes s, Expected y, boolean variance) {
        int pixels = s.oh() * s.ow(), count = s.n() * pixels;
        double[] values = new double[s.o()], tolerances = new double[s.o()];
        for (int ic = 0; ic < s.o(); ic++) {
            double sum = 0, off = 0, largest = 0;
            for (int i = 0; i < count; i++) {
                int at = (i / pixels * s.o() + ic) * pixels + i % pixels;
                sum += y.values()[at];
                off += y.tolerances()[at] / count;
                largest = Math.max(largest, Math.abs(y.values()[at]));
            }
            double mean = sum / count, squares = 0;
            for (int i = 0; i < count; i++) {
                double difference = y.values()[(i / pixels * s.o() + ic) * pixels + i % pixels] - mean;
                squares += difference * difference;
            }
            squares /= count;
            double rounding = 8 * Expected.ROUNDING * largest;
            double each = off + rounding;
            values[ic] = variance ? squares : mean;
            tolerances[ic] = variance ? 2 * Math.sqrt(squares) * each + each * each + 8 * Expected.ROUNDING * squares : each;
        }
        return new Expected(values, tolerances);
    }

    /// With the batch norm behind it.
    ///
    /// @param kind bits: 1 a bias of the convolution, 2 a residual if there is a ReLU, 4 a ReLU, 8 no weight of the batch norm, 16 no
    ///             bias of it
    static OperationCase normalised(Conv2dSizes s, int kind, long seed, Tolerance tolerance) {
        boolean relu = (kind & 4) != 0;
        Tensor bias = (kind & 1) == 0 ? null : Samples.uniform(100 * seed + 2, s.o());
        Tensor x = Samples.uniform(100 * seed, s.inputShape().toArray());
        Tensor weight = Samples.uniform(100 * seed + 1, s.weightShape().toArray());
        Tensor scale = (kind & 8) == 0 ? Samples.uniform(100 * seed + 4, s.o()) : null;
        Tensor shift = (kind & 16) == 0 ? Samples.uniform(100 * seed + 5, s.o()) : null;
        Tensor mean = Samples.uniform(100 * seed + 6, s.o());
        Tensor var = Samples.uniform(100 * seed + 7, 0.2f, 1f, s.o());
        Tensor residual = (kind & 2) != 0 && relu ? Samples.uniform(100 * seed + 8, s.outputShape().toArray()) : null;
        BatchNormSizes norm = new BatchNormSizes(s.n(), s.o(), s.oh() * s.ow(), 1e-5f);
        String what = (bias == null ? "" : "biased ") + (residual == null ? "" : "plus residual ") + (relu ? "and ReLU " : "");
        return OperationCase.of(what + s, Opcode.CONV2D_BATCH_NORM_EVAL, new NormalisedConvolution(s, norm, relu),
                TensorSpec.floats(s.outputShape()),
                () -> normalise(ConvolutionCases.forward(s, x, weight, bias, tolerance), norm,
                        List.of(scale == null ? Tensor.full(1f, s.o()) : scale, shift == null ? Tensor.zeros(s.o()) : shift, mean, var),
                        residual, relu),
                x, weight, bias, scale, shift, mean, var, residual);
    }

    private static Expected normalise(Expected y, BatchNormSizes s, List<Tensor> channels, @Nullable Tensor residual,
            boolean relu) {
        float[] scale = channels.get(0).toArray();
        float[] shift = channels.get(1).toArray();
        float[] mean = channels.get(2).toArray();
        float[] var = channels.get(3).toArray();
        float[] added = residual == null ? new float[y.values().length] : residual.toArray();
        double[] factors = Expected.fill(s.c(), ic -> scale[ic] / Math.sqrt((double) var[ic] + s.eps()));
        double[] values = Expected.fill(added.length, i -> {
            int ic = i / s.pixels() % s.c();
            double value = (y.values()[i] - mean[ic]) * factors[ic] + shift[ic] + added[i];
            return relu ? Math.max(0, value) : value;
        });
        return new Expected(values, Expected.fill(added.length, i -> {
            int ic = i / s.pixels() % s.c();
            double reach = Math.abs(factors[ic]) * (Math.abs(y.values()[i]) + Math.abs(mean[ic])) + Math.abs(shift[ic])
                    + Math.abs(added[i]);
            return Math.abs(factors[ic]) * y.tolerances()[i] + 8 * Expected.ROUNDING * reach;
        }));
    }
}
