package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import java.util.Random;

/// A convolution's matrix by the definition, the judge of every norm: row (io, ioh, iow), column (ic, ih, iw).
public record DenseMatrix(double[][] rows) {

    /// The matrix of a convolution whose padding mode says which input stands outside of the image.
    public static DenseMatrix of(Conv2dSizes s, PadMode mode, float[] weight) {
        double[][] m = new double[s.o() * s.oh() * s.ow()][s.c() * s.h() * s.w()];
        for (int io = 0; io < s.o(); io++) {
            int group = io / s.groupOutputs();
            for (int ioh = 0; ioh < s.oh(); ioh++) {
                for (int iow = 0; iow < s.ow(); iow++) {
                    for (int ic = 0; ic < s.groupInputs(); ic++) {
                        for (int t = 0; t < s.kh(); t++) {
                            for (int u = 0; u < s.kw(); u++) {
                                int ih = read(ioh * s.strideH() + t * s.dilationH() - s.padTop(), s.h(), mode);
                                int iw = read(iow * s.strideW() + u * s.dilationW() - s.padLeft(), s.w(), mode);
                                if (ih >= 0 && iw >= 0) {
                                    int column = ((group * s.groupInputs() + ic) * s.h() + ih) * s.w() + iw;
                                    m[(io * s.oh() + ioh) * s.ow() + iow][column] += weight[((io * s.groupInputs() + ic) * s.kh() + t)
                                            * s.kw() + u];
                                }
                            }
                        }
                    }
                }
            }
        }
        return new DenseMatrix(m);
    }

    /// What stands at a position, written down anew and apart from the engine.
    private static int read(int position, int size, PadMode mode) {
        if (position >= 0 && position < size) {
            return position;
        }
        return switch (mode) {
            case ZERO -> -1;
            case CIRCULAR -> position < 0 ? position + size : position - size;
            case REPLICATE -> Math.min(Math.max(position, 0), size - 1);
            case REFLECT -> position < 0 ? -position : size - 1 - (position - (size - 1));
        };
    }

    /// The largest row sum of absolute values.
    public double linf() {
        double largest = 0;
        for (double[] row : rows) {
            double sum = 0;
            for (double value : row) {
                sum += Math.abs(value);
            }
            largest = Math.max(largest, sum);
        }
        return largest;
    }

    /// The largest column sum of absolute values.
    public double l1() {
        double largest = 0;
        for (int column = 0; column < rows[0].length; column++) {
            double sum = 0;
            for (double[] row : rows) {
                sum += Math.abs(row[column]);
            }
            largest = Math.max(largest, sum);
        }
        return largest;
    }

    /// One of both.
    public double of(Norm norm) {
        return norm == Norm.L1 ? l1() : linf();
    }

    /// Sizes of a random small convolution: rectangular, strided, dilated, grouped, asymmetrically padded, kernels larger than the image
    /// included. Padding is as large as the mode allows.
    public static Conv2dSizes randomSizes(Random random, PadMode mode) {
        while (true) {
            int groups = random.nextInt(4) == 0 ? 1 + random.nextInt(3) : 1;
            int h = 1 + random.nextInt(7);
            int w = 1 + random.nextInt(7);
            Conv2dGeometry g = new Conv2dGeometry(1 + random.nextInt(3), 1 + random.nextInt(3), padding(random, h, mode),
                    padding(random, h, mode), padding(random, w, mode), padding(random, w, mode), 1 + random.nextInt(3),
                    1 + random.nextInt(3), groups, mode);
            Shape input = Shape.of(1, groups * (1 + random.nextInt(3)), h, w);
            Shape weight = Shape.of(groups * (1 + random.nextInt(3)), input.size(1) / groups, 1 + random.nextInt(5), 1 + random.nextInt(5));
            if (g.outputRows(h, weight.size(2)) > 0 && g.outputColumns(w, weight.size(3)) > 0) {
                return Convolution.sizes(input, weight, g);
            }
        }
    }

    private static int padding(Random random, int size, PadMode mode) {
        int limit = switch (mode) {
            case ZERO, REPLICATE -> 3;
            case CIRCULAR -> Math.min(3, size);
            case REFLECT -> Math.min(3, size - 1);
        };
        return random.nextInt(limit + 1);
    }

    /// Random weights of a convolution.
    public static float[] randomWeight(Random random, Conv2dSizes s) {
        float[] weight = new float[s.weightShape().elements()];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = (float) random.nextGaussian();
        }
        return weight;
    }
}
