package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;

/// The whole matrix of a small zero-padded convolution of one image, kept with at least as many rows as columns: with fewer outputs than
/// inputs it is the transposed one.
final class DenseConvolution {

    private DenseConvolution() {}

    /// Receives the place of a weight in the matrix: output, input, and index in `[o, c/groups, kh, kw]`.
    @FunctionalInterface
    interface Visitor {

        void entry(int output, int input, int index);
    }

    static boolean isTall(Conv2dSizes s) {
        return s.outputShape().elements() >= s.inputShape().elements();
    }

    /// The matrix, or its transpose, in double precision.
    static ComplexMatrix matrix(Conv2dSizes s, float[] weight) {
        boolean tall = isTall(s);
        int outputs = s.outputShape().elements();
        int inputs = s.inputShape().elements();
        ComplexMatrix m = new ComplexMatrix(Math.max(outputs, inputs), Math.min(outputs, inputs), true);
        forEachEntry(s, (output, input, index) -> m.re[tall ? output : input][tall ? input : output] += weight[index]);
        return m;
    }

    /// Every pair of an output and an input that a tap connects.
    static void forEachEntry(Conv2dSizes s, Visitor visitor) {
        for (int io = 0; io < s.o(); io++) {
            for (int ic = 0; ic < s.groupInputs(); ic++) {
                int channel = io / s.groupOutputs() * s.groupInputs() + ic;
                for (int tap = 0; tap < s.kh() * s.kw(); tap++) {
                    int index = (io * s.groupInputs() + ic) * s.kh() * s.kw() + tap;
                    forEachPosition(s, tap, io, channel, index, visitor);
                }
            }
        }
    }

    private static void forEachPosition(Conv2dSizes s, int tap, int io, int channel, int index, Visitor visitor) {
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            int ih = ioh * s.strideH() + tap / s.kw() * s.dilationH() - s.padTop();
            if (ih < 0 || ih >= s.h()) {
                continue;
            }
            for (int iow = 0; iow < s.ow(); iow++) {
                int iw = iow * s.strideW() + tap % s.kw() * s.dilationW() - s.padLeft();
                if (iw >= 0 && iw < s.w()) {
                    visitor.entry((io * s.oh() + ioh) * s.ow() + iow, (channel * s.h() + ih) * s.w() + iw, index);
                }
            }
        }
    }
}
