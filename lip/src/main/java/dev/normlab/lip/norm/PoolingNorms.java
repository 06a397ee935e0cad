package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/// The norms of pooling layers.
///
/// Averages are linear and separable: the matrix is a product of one matrix per axis, and so are its norms. l1 and linf are exact. l2 is
/// the Collatz-Wielandt bound of the axis' Gram matrix, `ρ(B) <= max (Bx)_i / x_i` for every positive x, taken along a power iteration: an
/// upper bound that converges to the truth, and exact for windows that do not overlap.
///
/// A maximum is not linear. Its smallest Lipschitz constants are 1 in linf, the largest number of windows that share an input in l1, and
/// the square root of that in l2: where the maxima stay where they are, every row of the Jacobian has a single 1, and one input can be the
/// maximum of all of its windows.
public record PoolingNorms(double l1, double l2, double linf) {

    private static final int ITERATIONS = 300;

    /// The taps of one axis: output `a` reads `count` inputs with equal weights.
    private record Axis(double[][] rows) {

        double linf() {
            return Arrays.stream(rows).mapToDouble(row -> Arrays.stream(row).sum()).max().orElse(0);
        }

        double l1() {
            double[] sums = new double[rows.length == 0 ? 0 : rows[0].length];
            for (double[] row : rows) {
                for (int i = 0; i < row.length; i++) {
                    sums[i] += row[i];
                }
            }
            return Arrays.stream(sums).max().orElse(0);
        }

        double l2() {
            int n = rows.length == 0 ? 0 : rows[0].length;
            double[] x = new double[n];
            Arrays.fill(x, 1);
            double bound = l1() * linf();
            for (int step = 0; step < ITERATIONS; step++) {
                double[] next = new double[n];
                for (double[] row : rows) {
                    double y = 0;
                    for (int i = 0; i < n; i++) {
                        y += row[i] * x[i];
                    }
                    for (int i = 0; i < n; i++) {
                        next[i] += row[i] * y;
                    }
                }
                double ratio = 0;
                double largest = 0;
                for (int i = 0; i < n; i++) {
                    ratio = Math.max(ratio, next[i] / x[i]);
                    largest = Math.max(largest, next[i]);
                }
                bound = Math.min(bound, ratio);
                for (int i = 0; i < n; i++) {
                    x[i] = Math.max(next[i] / Math.max(largest, Double.MIN_NORMAL), 1e-9);
                }
            }
            return Math.sqrt(bound * (1 + 1e-12));
        }
    }

    /// Average pooling.
    public static PoolingNorms ofAverage(Pool2dSizes s) {
        if (s.divisorOverride() != 0) {
            PoolingNorms sums = product(axis(s.h(), s.oh(), s.kh(), s.strideH(), s.padH(), s.dilationH(), _ -> 1),
                    axis(s.w(), s.ow(), s.kw(), s.strideW(), s.padW(), s.dilationW(), _ -> 1));
            double d = s.divisorOverride();
            return new PoolingNorms(sums.l1 / d, sums.l2 / d, sums.linf / d);
        }
        return product(average(s.h(), s.oh(), s.kh(), s.strideH(), s.padH(), s.dilationH(), s.countIncludePad()),
                average(s.w(), s.ow(), s.kw(), s.strideW(), s.padW(), s.dilationW(), s.countIncludePad()));
    }

    /// Adaptive average pooling; global averages are the case of one output.
    public static PoolingNorms ofAdaptiveAverage(AdaptivePoolSizes s) {
        return product(adaptive(s.h(), s.oh()), adaptive(s.w(), s.ow()));
    }

    /// Max pooling: its smallest Lipschitz constants.
    public static PoolingNorms ofMaximum(Pool2dSizes s) {
        double shared = axis(s.h(), s.oh(), s.kh(), s.strideH(), s.padH(), s.dilationH(), _ -> 1).l1()
                * axis(s.w(), s.ow(), s.kw(), s.strideW(), s.padW(), s.dilationW(), _ -> 1).l1();
        return new PoolingNorms(shared, Math.sqrt(shared), shared == 0 ? 0 : 1);
    }

    private static PoolingNorms product(Axis h, Axis w) {
        return new PoolingNorms(h.l1() * w.l1(), h.l2() * w.l2(), h.linf() * w.linf());
    }

    private static Axis average(int inputs, int outputs, int taps, int stride, int pad, int dilation, boolean countPadding) {
        return axis(inputs, outputs, taps, stride, pad, dilation, a -> {
            int count = 0;
            int room = countPadding ? pad : 0;
            for (int t = 0; t < taps; t++) {
                int position = a * stride - pad + t * dilation;
                count += position >= -room && position < inputs + room ? 1 : 0;
            }
            return count;
        });
    }

    private static Axis axis(int inputs, int outputs, int taps, int stride, int pad, int dilation, IntUnaryOperator divisor) {
        double[][] rows = new double[outputs][inputs];
        for (int a = 0; a < outputs; a++) {
            for (int t = 0; t < taps; t++) {
                int position = a * stride - pad + t * dilation;
                if (position >= 0 && position < inputs) {
                    rows[a][position] = 1.0 / divisor.applyAsInt(a);
                }
            }
        }
        return new Axis(rows);
    }

    private static Axis adaptive(int inputs, int outputs) {
        double[][] rows = new double[outputs][inputs];
        for (int a = 0; a < outputs; a++) {
            int first = a * inputs / outputs;
            int end = ((a + 1) * inputs + outputs - 1) / outputs;
            Arrays.fill(rows[a], first, end, 1.0 / (end - first));
        }
        return new Axis(rows);
    }
}
