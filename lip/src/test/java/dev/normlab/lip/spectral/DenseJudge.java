package dev.normlab.lip.spectral;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import java.util.Arrays;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/// Matrices of layers by their definition, and their singular values by EJML: what everything here is judged by.
final class DenseJudge {

    private DenseJudge() {}

    /// The matrix of a zero-padded convolution: row (io, ioh, iow), column (ic, ih, iw).
    static double[][] padded(Conv2dSizes s, float[] weight) {
        double[][] m = new double[s.o() * s.oh() * s.ow()][s.c() * s.h() * s.w()];
        for (int io = 0; io < s.o(); io++) {
            for (int ioh = 0; ioh < s.oh(); ioh++) {
                for (int iow = 0; iow < s.ow(); iow++) {
                    for (int ic = 0; ic < s.groupInputs(); ic++) {
                        for (int t = 0; t < s.kh(); t++) {
                            for (int u = 0; u < s.kw(); u++) {
                                int ih = ioh * s.strideH() + t * s.dilationH() - s.padTop();
                                int iw = iow * s.strideW() + u * s.dilationW() - s.padLeft();
                                if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                                    int column = ((io / s.groupOutputs() * s.groupInputs() + ic) * s.h() + ih) * s.w() + iw;
                                    m[(io * s.oh() + ioh) * s.ow() + iow][column] += weight[((io * s.groupInputs() + ic) * s.kh() + t)
                                            * s.kw() + u];
                                }
                            }
                        }
                    }
                }
            }
        }
        return m;
    }

    /// The matrix of a circular convolution.
    static double[][] circular(CircularConvolution s, float[] weight) {
        int oh = s.outputRows();
        int ow = s.outputColumns();
        int groupInputs = s.c() / s.groups();
        double[][] m = new double[s.o() * oh * ow][s.c() * s.h() * s.w()];
        for (int io = 0; io < s.o(); io++) {
            for (int ioh = 0; ioh < oh; ioh++) {
                for (int iow = 0; iow < ow; iow++) {
                    for (int ic = 0; ic < groupInputs; ic++) {
                        for (int t = 0; t < s.kh(); t++) {
                            for (int u = 0; u < s.kw(); u++) {
                                int ih = (ioh * s.strideH() + t * s.dilationH()) % s.h();
                                int iw = (iow * s.strideW() + u * s.dilationW()) % s.w();
                                int column = ((io / (s.o() / s.groups()) * groupInputs + ic) * s.h() + ih) * s.w() + iw;
                                m[(io * oh + ioh) * ow + iow][column] += weight[((io * groupInputs + ic) * s.kh() + t) * s.kw() + u];
                            }
                        }
                    }
                }
            }
        }
        return m;
    }

    /// Singular values, largest first.
    static double[] singularValues(double[][] m) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(m.length, m[0].length, false, false, false);
        if (!svd.decompose(new DMatrixRMaj(m))) {
            throw new ArithmeticException("the judge did not converge");
        }
        double[] values = Arrays.copyOf(svd.getSingularValues(), Math.min(m.length, m[0].length));
        Arrays.sort(values);
        double[] descending = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            descending[i] = values[values.length - 1 - i];
        }
        return descending;
    }

    /// A zero-padded convolution of any geometry whose matrix has few rows and columns.
    static Conv2dSizes randomPadded(Random random) {
        while (true) {
            int groups = random.nextInt(4) == 0 ? 2 : 1;
            Conv2dGeometry g = new Conv2dGeometry(1 + random.nextInt(3), 1 + random.nextInt(3), random.nextInt(3), random.nextInt(3),
                    random.nextInt(3), random.nextInt(3), 1 + random.nextInt(2), 1 + random.nextInt(2), groups, PadMode.ZERO);
            Shape input = Shape.of(1, groups * (1 + random.nextInt(3)), 1 + random.nextInt(5), 1 + random.nextInt(5));
            Shape weight = Shape.of(groups * (1 + random.nextInt(3)), input.size(1) / groups, 1 + random.nextInt(4), 1 + random.nextInt(4));
            if (g.outputRows(input.size(2), weight.size(2)) > 0 && g.outputColumns(input.size(3), weight.size(3)) > 0) {
                return Convolution.sizes(input, weight, g);
            }
        }
    }

    /// A circular convolution of any kind whose matrix has few rows and columns.
    static CircularConvolution randomCircular(Random random, int stride) {
        int groups = random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 1;
        return new CircularConvolution(groups * (1 + random.nextInt(3)), groups * (1 + random.nextInt(3)), 1 + random.nextInt(4),
                1 + random.nextInt(4), groups, stride * (1 + random.nextInt(3)), stride * (1 + random.nextInt(3)), stride, stride,
                1 + random.nextInt(3), 1 + random.nextInt(3));
    }

    static float[] gaussian(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    static int weights(CircularConvolution s) {
        return s.o() * (s.c() / s.groups()) * s.kh() * s.kw();
    }
}
