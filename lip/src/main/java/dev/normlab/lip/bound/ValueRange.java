package dev.normlab.lip.bound;

import dev.normlab.engine.kernel.Conv2dSizes;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/// Between which values every channel of a tensor lies, for all inputs of a box: interval arithmetic, channel by channel.
///
/// @param low  per channel
/// @param high per channel
record ValueRange(double[] low, double[] high) {

    static ValueRange of(int channels, double low, double high) {
        double[] lows = new double[channels];
        double[] highs = new double[channels];
        Arrays.fill(lows, low);
        Arrays.fill(highs, high);
        return new ValueRange(lows, highs);
    }

    /// The largest magnitude of any value.
    double magnitude() {
        double largest = 0;
        for (int i = 0; i < low.length; i++) {
            largest = Math.max(largest, Math.max(Math.abs(low[i]), Math.abs(high[i])));
        }
        return largest;
    }

    /// One interval around all channels, for another number of channels.
    ValueRange hull(int channels) {
        return of(channels, Arrays.stream(low).min().orElse(0), Arrays.stream(high).max().orElse(0));
    }

    /// Every channel `times` times in a row: what flattening makes of images.
    ValueRange repeated(int times) {
        ValueRange result = of(low.length * times, 0, 0);
        for (int i = 0; i < result.low.length; i++) {
            result.low[i] = low[i / times];
            result.high[i] = high[i / times];
        }
        return result;
    }

    /// A function that grows with its argument.
    ValueRange increasing(DoubleUnaryOperator function) {
        return new ValueRange(Arrays.stream(low).map(function).toArray(), Arrays.stream(high).map(function).toArray());
    }

    /// `scale·x + shift` per channel.
    ValueRange affine(double[] scale, double[] shift) {
        ValueRange result = of(low.length, 0, 0);
        for (int i = 0; i < low.length; i++) {
            double a = scale[i] * low[i];
            double b = scale[i] * high[i];
            result.low[i] = Math.min(a, b) + shift[i];
            result.high[i] = Math.max(a, b) + shift[i];
        }
        return result;
    }

    ValueRange plus(ValueRange other) {
        return combined(other, (a, b) -> a + b);
    }

    ValueRange minus(ValueRange other) {
        return combined(other, (a, b) -> a - b);
    }

    ValueRange times(ValueRange other) {
        return combined(other, (a, b) -> a * b);
    }

    /// The ends of an operation that is monotone in each argument.
    private ValueRange combined(ValueRange other, DoubleBinaryOperator operation) {
        ValueRange result = of(Math.max(low.length, other.low.length), 0, 0);
        for (int i = 0; i < result.low.length; i++) {
            int a = low.length == 1 ? 0 : i;
            int b = other.low.length == 1 ? 0 : i;
            double[] ends = {operation.applyAsDouble(low[a], other.low[b]), operation.applyAsDouble(low[a], other.high[b]),
                operation.applyAsDouble(high[a], other.low[b]), operation.applyAsDouble(high[a], other.high[b])};
            result.low[i] = Arrays.stream(ends).min().orElseThrow();
            result.high[i] = Arrays.stream(ends).max().orElseThrow();
        }
        return result;
    }

    /// The same with 0 in every interval: what a padded image holds.
    ValueRange withZero() {
        return new ValueRange(Arrays.stream(low).map(value -> Math.min(value, 0)).toArray(),
                Arrays.stream(high).map(value -> Math.max(value, 0)).toArray());
    }

    /// The outputs of a convolution, every tap at its worst. With taps that may read nothing, the range must include 0.
    ValueRange convolved(Conv2dSizes s, float[] weight, float[] bias) {
        ValueRange result = of(s.o(), 0, 0);
        int area = s.kh() * s.kw();
        for (int io = 0; io < s.o(); io++) {
            double least = bias.length == 0 ? 0 : bias[io];
            double most = least;
            for (int i = 0; i < s.groupInputs() * area; i++) {
                int ic = io / s.groupOutputs() * s.groupInputs() + i / area;
                double w = weight[io * s.groupInputs() * area + i];
                least += Math.min(w * low[ic], w * high[ic]);
                most += Math.max(w * low[ic], w * high[ic]);
            }
            result.low[io] = least;
            result.high[io] = most;
        }
        return result;
    }

    /// The outputs of a transposed convolution with the weight of the convolution `s`; any tap may be missing, so that the range must
    /// include 0.
    ValueRange transposed(Conv2dSizes s, float[] weight) {
        ValueRange result = of(s.c(), 0, 0);
        int area = s.kh() * s.kw();
        for (int io = 0; io < s.o(); io++) {
            for (int i = 0; i < s.groupInputs() * area; i++) {
                int ic = io / s.groupOutputs() * s.groupInputs() + i / area;
                double w = weight[io * s.groupInputs() * area + i];
                result.low[ic] += Math.min(w * low[io], w * high[io]);
                result.high[ic] += Math.max(w * low[io], w * high[io]);
            }
        }
        return result;
    }
}
