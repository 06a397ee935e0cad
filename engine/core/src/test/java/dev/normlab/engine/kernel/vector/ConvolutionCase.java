package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.SplittableRandom;

/// One convolution with its data, the vector backend's results, and the definition in double precision.
final class ConvolutionCase {

    final Conv2dSizes s;
    final float[] x;
    final float[] weight;
    final float[] bias;
    final float[] dOut;

    private final VectorKernels kernels;

    ConvolutionCase(Conv2dSizes s, SplittableRandom random) {
        this(s, random, ConvolutionMode.EXACT);
    }

    ConvolutionCase(Conv2dSizes s, SplittableRandom random, ConvolutionMode mode) {
        this.kernels = new VectorKernels(mode);
        this.s = s;
        this.x = values(s.inputShape(), random);
        this.weight = values(s.weightShape(), random);
        this.bias = values(Shape.of(s.o()), random);
        this.dOut = values(s.outputShape(), random);
    }

    private ConvolutionCase(VectorKernels kernels, Conv2dSizes s, float[] x, float[] weight, float[] bias, float[] dOut) {
        this.kernels = kernels;
        this.s = s;
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        this.dOut = dOut;
    }

    /// Sizes from a few numbers, with the output size that follows.
    static Conv2dSizes sizes(int n, int c, int h, int w, int o, int kh, int kw, int stride, int pad, int dilation, int groups) {
        return sizes(n, c, h, w, o, kh, kw, stride, stride, new int[] {pad, pad, pad, pad}, dilation, dilation, groups);
    }

    static Conv2dSizes sizes(int n, int c, int h, int w, int o, int kh, int kw, int strideH, int strideW, int[] pads, int dilationH,
            int dilationW, int groups) {
        int oh = (h + pads[0] + pads[1] - dilationH * (kh - 1) - 1) / strideH + 1;
        int ow = (w + pads[2] + pads[3] - dilationW * (kw - 1) - 1) / strideW + 1;
        return new Conv2dSizes(n, c, h, w, o, kh, kw, strideH, strideW, pads[0], pads[1], pads[2], pads[3], dilationH, dilationW, groups,
                oh, ow);
    }

    /// Sizes that mean well for nobody: odd maps, channels beside the vector length, all strides, dilations, groups and paddings that fit.
    static Conv2dSizes awkward(SplittableRandom random) {
        int groups = pick(random, 1, 1, 1, 2, 3, 8);
        return awkward(random, groups, groups * pick(random, 1, 3, 5, 8, 10, 17), groups * pick(random, 1, 2, 6, 8, 19, 40));
    }

    /// As [#awkward] in two to eight groups of eight channels. (Kernels of one or two taps are done as those of other groups.)
    static Conv2dSizes inGroupsOfEight(SplittableRandom random) {
        int groups = random.nextInt(2, 9);
        return awkward(random, groups, 8 * groups, 8 * groups);
    }

    /// First layers: few input channels, mostly three, on maps wide enough for whole vectors of pixels, some of several bands.
    static Conv2dSizes firstLayer(SplittableRandom random) {
        int c = pick(random, 1, 2, 3, 3, 3, 4), o = pick(random, 5, 16, 33, 64, 64, 70);
        int h = random.nextInt(1, 45), w = random.nextInt(1, 45), k = pick(random, 1, 3, 3, 5, 7), pad = random.nextInt(k);
        int[] pads = {pad, k - 1 - pad, k - 1 - pad, pad};
        return sizes(random.nextInt(1, 4), c, h, w, o, k, k, pick(random, 1, 1, 2), pick(random, 1, 1, 2), pads, 1, 1, 1);
    }

    private static Conv2dSizes awkward(SplittableRandom random, int groups, int c, int o) {
        while (true) {
            int kh = random.nextInt(1, 5), kw = random.nextInt(1, 5), dilationH = random.nextInt(1, 3), dilationW = random.nextInt(1, 3);
            int[] pads = {random.nextInt(3), random.nextInt(3), random.nextInt(3), random.nextInt(3)};
            int h = random.nextInt(1, 13), w = random.nextInt(1, 13);
            if (h + pads[0] + pads[1] > dilationH * (kh - 1) && w + pads[2] + pads[3] > dilationW * (kw - 1)) {
                return sizes(random.nextInt(1, 9), c, h, w, o, kh, kw, random.nextInt(1, 4), random.nextInt(1, 4), pads, dilationH,
                        dilationW, groups);
            }
        }
    }

    /// Sizes that the fast mode may compute with fewer products: 3x3 kernels with stride 1, maps from 1x1 on, any channels and padding.
    static Conv2dSizes regular(SplittableRandom random) {
        while (true) {
            int c = pick(random, 5, 10, 16, 24, 33, 56, 70), o = pick(random, 5, 10, 16, 24, 33, 56, 70);
            int h = random.nextInt(1, 15), w = random.nextInt(1, 15), most = random.nextInt(3) == 0 ? 4 : 2;
            int[] pads = {random.nextInt(most), random.nextInt(most), random.nextInt(most), random.nextInt(most)};
            if (random.nextInt(3) == 0) {
                Arrays.fill(pads, 1);
                h = random.nextInt(3) == 0 ? 2 : h;
                w = h == 2 ? 2 : w;
            }
            if (h + pads[0] + pads[1] > 2 && w + pads[2] + pads[3] > 2) {
                return sizes(random.nextInt(1, 9), c, h, w, o, 3, 3, 1, 1, pads, 1, 1, 1);
            }
        }
    }

    /// How the vector backend computes a pass of this case.
    ConvolutionAlgorithm algorithm(ConvolutionPass pass) {
        return kernels.convolutions().algorithm(s, pass);
    }

    private static int pick(SplittableRandom random, int... values) {
        return values[random.nextInt(values.length)];
    }

    private static float[] values(Shape shape, SplittableRandom random) {
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (2 * random.nextDouble() - 1);
        }
        return values;
    }

    /// The same convolution of image `in` alone.
    ConvolutionCase image(int in) {
        Conv2dSizes one = new Conv2dSizes(1, s.c(), s.h(), s.w(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(), s.padTop(),
                s.padBottom(), s.padLeft(), s.padRight(), s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
        return new ConvolutionCase(kernels, one, part(x, in), weight, bias, part(dOut, in));
    }

    /// The values of image `in` of a tensor `[n, ..]`.
    float[] part(float[] batch, int in) {
        int length = batch.length / s.n();
        return Arrays.copyOfRange(batch, in * length, (in + 1) * length);
    }

    float[] forward(Workspace workspace) {
        Storage y = fresh(s.outputShape(), true);
        kernels.convolutions().conv2dForward(s, storage(x, s.inputShape(), true), storage(weight, s.weightShape(), false), plain(bias), y,
                workspace);
        return read(y);
    }

    float[] backwardInput(Workspace workspace) {
        Storage dx = fresh(s.inputShape(), true);
        kernels.convolutions().conv2dBackwardInput(s, storage(dOut, s.outputShape(), true), storage(weight, s.weightShape(), false), dx,
                workspace);
        return read(dx);
    }

    float[] backwardWeight(Workspace workspace) {
        Storage dWeight = fresh(s.weightShape(), false);
        kernels.convolutions().conv2dBackwardWeight(s, storage(x, s.inputShape(), true), storage(dOut, s.outputShape(), true), dWeight,
                workspace);
        return read(dWeight);
    }

    private Layout layout(Shape shape, boolean activation) {
        return activation ? kernels.activationLayout(shape) : Layout.PLAIN;
    }

    private static Storage plain(float[] values) {
        return Storage.ofFloats(Shape.of(values.length), Layout.PLAIN, values);
    }

    private Storage storage(float[] values, Shape shape, boolean activation) {
        Layout layout = layout(shape, activation);
        float[] packed = new float[layout.length(shape)];
        layout.pack(shape, values, packed);
        return Storage.ofFloats(shape, layout, packed);
    }

    // Memory full of NaN, so that what a kernel does not write shows.
    private Storage fresh(Shape shape, boolean activation) {
        Layout layout = layout(shape, activation);
        float[] values = new float[layout.length(shape)];
        Arrays.fill(values, Float.NaN);
        return Storage.ofFloats(shape, layout, values);
    }

    private static float[] read(Storage storage) {
        Shape shape = storage.shape();
        float[] values = new float[shape.elements()];
        storage.layout().unpack(shape, storage.floats(), values);
        float[] clean = new float[storage.layout().length(shape)];
        storage.layout().pack(shape, values, clean);
        if (!Arrays.equals(clean, storage.floats())) {
            throw new AssertionError("padding lanes of " + shape + " are not zero");
        }
        return values;
    }

    /// What is done with every product of the convolution.
    @FunctionalInterface
    private interface Product {

        void meet(int ix, int iWeight, int iy);
    }

    private void products(Product product) {
        int groupInputs = s.groupInputs();
        for (int in = 0; in < s.n(); in++) {
            for (int io = 0; io < s.o(); io++) {
                for (int k = 0; k < groupInputs * s.kh() * s.kw(); k++) {
                    int ic = io / s.groupOutputs() * groupInputs + k / (s.kh() * s.kw());
                    for (int p = 0; p < s.oh() * s.ow(); p++) {
                        int ih = p / s.ow() * s.strideH() - s.padTop() + k / s.kw() % s.kh() * s.dilationH();
                        int iw = p % s.ow() * s.strideW() - s.padLeft() + k % s.kw() * s.dilationW();
                        if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                            product.meet(((in * s.c() + ic) * s.h() + ih) * s.w() + iw, io * groupInputs * s.kh() * s.kw() + k,
                                    (in * s.o() + io) * s.oh() * s.ow() + p);
                        }
                    }
                }
            }
        }
    }

    double[] forwardByDefinition() {
        double[] y = new double[s.outputShape().elements()];
        for (int i = 0; i < y.length; i++) {
            y[i] = bias[i / (s.oh() * s.ow()) % s.o()];
        }
        products((ix, iWeight, iy) -> y[iy] += (double) x[ix] * weight[iWeight]);
        return y;
    }

    double[] backwardInputByDefinition() {
        double[] dx = new double[x.length];
        products((ix, iWeight, iy) -> dx[ix] += (double) dOut[iy] * weight[iWeight]);
        return dx;
    }

    double[] backwardWeightByDefinition() {
        double[] dWeight = new double[weight.length];
        products((ix, iWeight, iy) -> dWeight[iWeight] += (double) dOut[iy] * x[ix]);
        return dWeight;
    }

    /// The largest difference, in units of the rounding that sums of `length` products of numbers below 1 may have.
    static double errorInRoundings(float[] actual, double[] expected, int length) {
        double worst = 0;
        for (int i = 0; i < actual.length; i++) {
            double error = Math.abs(actual[i] - expected[i]);
            worst = Math.max(worst, error); // NaN stays
        }
        return worst / (Math.sqrt(length + 1.0) * 0x1p-24 * (1 + Math.sqrt(length)));
    }
}
