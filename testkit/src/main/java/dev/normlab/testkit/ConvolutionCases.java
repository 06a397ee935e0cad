package dev.normlab.testkit;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Convolutions and matrix products at awkward sizes, with references that follow the definitions in double.
public final class ConvolutionCases {

    private ConvolutionCases() {}

    /// A convolution's sizes, built step by step; stride, dilation and groups are 1 and padding is 0 unless said otherwise.
    public record Sizes(int n, int c, int h, int w, int o, int kh, int kw, int strideH, int strideW, int padTop, int padBottom, int padLeft,
            int padRight, int dilationH, int dilationW, int groups) {

        /// A convolution of `[n, c, h, w]` into `o` channels.
        public static Sizes of(int n, int c, int h, int w, int o, int kh, int kw) {
            return new Sizes(n, c, h, w, o, kh, kw, 1, 1, 0, 0, 0, 0, 1, 1, 1);
        }

        /// With strides.
        public Sizes stride(int y, int x) {
            return new Sizes(n, c, h, w, o, kh, kw, y, x, padTop, padBottom, padLeft, padRight, dilationH, dilationW, groups);
        }

        /// With zero padding on each side.
        public Sizes pad(int top, int bottom, int left, int right) {
            return new Sizes(n, c, h, w, o, kh, kw, strideH, strideW, top, bottom, left, right, dilationH, dilationW, groups);
        }

        /// With the same zero padding on all sides.
        public Sizes pad(int all) {
            return pad(all, all, all, all);
        }

        /// With dilations.
        public Sizes dilation(int y, int x) {
            return new Sizes(n, c, h, w, o, kh, kw, strideH, strideW, padTop, padBottom, padLeft, padRight, y, x, groups);
        }

        /// With groups.
        public Sizes groups(int count) {
            return new Sizes(n, c, h, w, o, kh, kw, strideH, strideW, padTop, padBottom, padLeft, padRight, dilationH, dilationW, count);
        }

        /// Whether there is at least one output pixel.
        public boolean isPossible() {
            return h + padTop + padBottom >= dilationH * (kh - 1) + 1 && w + padLeft + padRight >= dilationW * (kw - 1) + 1;
        }

        /// The kernel's sizes record, with the output's sizes.
        public Conv2dSizes complete() {
            int oh = (h + padTop + padBottom - dilationH * (kh - 1) - 1) / strideH + 1;
            int ow = (w + padLeft + padRight - dilationW * (kw - 1) - 1) / strideW + 1;
            return new Conv2dSizes(n, c, h, w, o, kh, kw, strideH, strideW, padTop, padBottom, padLeft, padRight, dilationH, dilationW,
                    groups, oh, ow);
        }
    }

    /// All convolutions: every size forward with and without bias, backward in the input and backward in the weight.
    public static List<OperationCase> convolutions() {
        List<Sizes> sizes = new ArrayList<>(channelSizes());
        sizes.addAll(geometrySizes());
        sizes.addAll(groupedSizes());
        sizes.addAll(groupsOfEightSizes());
        sizes.addAll(depthwiseSizes());
        sizes.addAll(largeSizes());
        sizes.addAll(randomSizes(40));
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (Sizes each : sizes) {
            if (seed % 4 == 0) {
                cases.add(FusedConvolutionCases.normalised(each.complete(), (int) seed / 4, seed, Expected::sums));
            } else if (seed % 4 == 2) {
                cases.add(FusedConvolutionCases.statistics(each.complete(), seed, Expected::sums));
            }
            cases.addAll(all(each.complete(), seed++, Expected::sums));
        }
        cases.addAll(FusedConvolutionCases.inBands(seed));
        return cases;
    }

    /// Convolutions that the fast mode may compute with fewer products, with its own tolerance: 3x3 kernels with stride 1 on maps from 1x1
    /// on, with awkward channels and padding.
    public static List<OperationCase> fastConvolutions() {
        List<Sizes> sizes = new ArrayList<>();
        for (int map : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 33}) {
            sizes.add(Sizes.of(map < 8 ? 5 : 1, 24, map, map, 56, 3, 3).pad(1));
        }
        int[][] channels = {{3, 16}, {5, 10}, {10, 24}, {24, 10}, {56, 152}, {152, 24}, {64, 3}, {17, 33}};
        for (int[] pair : channels) {
            sizes.add(Sizes.of(2, pair[0], 8, 8, pair[1], 3, 3).pad(1));
            sizes.add(Sizes.of(3, pair[0], 2, 2, pair[1], 3, 3).pad(1));
        }
        sizes.add(Sizes.of(0, 24, 8, 8, 24, 3, 3).pad(1));
        sizes.add(Sizes.of(13, 40, 4, 4, 330, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 330, 4, 4, 40, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 16, 9, 11, 17, 3, 3));
        sizes.add(Sizes.of(2, 16, 6, 7, 17, 3, 3).pad(0, 2, 1, 0));
        sizes.add(Sizes.of(1, 16, 5, 5, 16, 3, 3).pad(5));
        sizes.add(Sizes.of(2, 16, 4, 23, 32, 3, 3).pad(2));
        sizes.add(Sizes.of(1, 8, 3, 40, 8, 3, 3).pad(1));
        List<OperationCase> cases = new ArrayList<>();
        long seed = 500;
        for (Sizes each : sizes) {
            cases.addAll(all(each.complete(), seed, Expected::fastSums));
            cases.add(seed % 2 == 0
                    ? FusedConvolutionCases.normalised(each.complete(), (int) seed / 2, seed, Expected::fastSums)
                    : FusedConvolutionCases.statistics(each.complete(), seed, Expected::fastSums));
            seed++;
        }
        return cases;
    }

    /// Few convolutions that reach every code path of a blocked layout: for slow environments.
    public static List<OperationCase> fewConvolutions() {
        List<OperationCase> cases = new ArrayList<>();
        cases.addAll(all(Sizes.of(2, 3, 5, 6, 10, 3, 3).pad(1).complete(), 1, Expected::sums));
        cases.addAll(all(Sizes.of(1, 17, 4, 4, 33, 3, 3).pad(1).stride(2, 2).complete(), 2, Expected::sums));
        cases.addAll(all(Sizes.of(2, 24, 2, 2, 24, 3, 3).pad(1).groups(3).complete(), 3, Expected::sums));
        cases.addAll(all(Sizes.of(2, 24, 5, 10, 24, 3, 3).pad(1).groups(3).complete(), 7, Expected::sums));
        cases.addAll(all(Sizes.of(2, 24, 5, 10, 24, 3, 3).pad(1).stride(2, 2).groups(3).complete(), 8, Expected::sums));
        cases.addAll(all(Sizes.of(1, 16, 7, 9, 32, 1, 1).complete(), 4, Expected::sums));
        cases.addAll(all(Sizes.of(1, 5, 6, 6, 5, 3, 3).pad(1).groups(5).complete(), 5, Expected::sums));
        cases.addAll(all(Sizes.of(1, 56, 1, 1, 10, 3, 3).pad(1).complete(), 6, Expected::sums));
        return cases;
    }

    private static List<Sizes> channelSizes() {
        List<Sizes> sizes = new ArrayList<>();
        int[][] channels = {{1, 1}, {1, 16}, {3, 5}, {3, 16}, {5, 10}, {10, 24}, {16, 16}, {16, 17}, {17, 33}, {24, 56}, {33, 16}, {56, 10},
            {32, 64}};
        for (int[] pair : channels) {
            sizes.add(Sizes.of(2, pair[0], 7, 9, pair[1], 3, 3).pad(1));
            sizes.add(Sizes.of(1, pair[0], 8, 8, pair[1], 1, 1).stride(2, 2));
            sizes.add(Sizes.of(5, pair[0], 2, 2, pair[1], 3, 3).pad(1));
        }
        sizes.add(Sizes.of(1, 152, 4, 4, 24, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 24, 4, 4, 152, 3, 3).pad(1));
        sizes.add(Sizes.of(3, 152, 2, 2, 152, 1, 1));
        sizes.add(Sizes.of(1, 3, 32, 32, 16, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 16, 32, 32, 16, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 10, 32, 32, 17, 3, 3).pad(1).stride(2, 2));
        sizes.add(Sizes.of(1, 128, 4, 4, 48, 3, 3).pad(1));
        return sizes;
    }

    private static List<Sizes> geometrySizes() {
        List<Sizes> sizes = new ArrayList<>();
        for (int n : new int[] {0, 1, 5}) {
            sizes.add(Sizes.of(n, 10, 5, 5, 17, 3, 3).pad(1));
            sizes.add(Sizes.of(n, 16, 1, 1, 16, 1, 1));
        }
        sizes.add(Sizes.of(2, 33, 1, 1, 24, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 17, 7, 9, 10, 3, 3).stride(2, 2).pad(1));
        sizes.add(Sizes.of(1, 16, 11, 12, 3, 3, 3).stride(3, 3).pad(1));
        sizes.add(Sizes.of(1, 3, 16, 17, 24, 7, 7).stride(2, 2).pad(3));
        sizes.add(Sizes.of(1, 17, 9, 9, 16, 5, 5).pad(2));
        sizes.add(Sizes.of(2, 5, 9, 8, 3, 3, 3).stride(2, 1).pad(2, 2, 1, 1).dilation(1, 2));
        sizes.add(Sizes.of(1, 16, 9, 9, 16, 3, 3).pad(2).dilation(2, 2));
        sizes.add(Sizes.of(1, 17, 11, 10, 5, 3, 3).stride(2, 2).pad(2).dilation(2, 2));
        sizes.add(Sizes.of(1, 10, 12, 12, 10, 3, 3).dilation(3, 3).pad(3));
        sizes.add(Sizes.of(2, 10, 6, 7, 16, 3, 3).pad(0, 2, 1, 0));
        sizes.add(Sizes.of(2, 16, 6, 7, 10, 2, 2).pad(0, 1, 0, 1));
        sizes.add(Sizes.of(2, 16, 6, 8, 16, 3, 1).pad(1, 1, 0, 0));
        sizes.add(Sizes.of(2, 3, 6, 11, 17, 1, 5).stride(1, 2).pad(0, 0, 2, 2));
        sizes.add(Sizes.of(2, 10, 2, 2, 16, 5, 5).pad(2));
        sizes.add(Sizes.of(1, 17, 3, 2, 5, 7, 6).pad(3));
        sizes.add(Sizes.of(1, 16, 1, 1, 16, 5, 5).pad(4, 0, 0, 4));
        sizes.add(Sizes.of(2, 3, 4, 4, 5, 4, 4));
        sizes.add(Sizes.of(2, 16, 4, 4, 16, 4, 4).stride(2, 2).pad(1));
        sizes.add(Sizes.of(1, 16, 5, 5, 16, 3, 3).pad(5));
        sizes.add(Sizes.of(1, 16, 7, 7, 32, 1, 1).stride(3, 2).pad(1));
        sizes.add(Sizes.of(2, 3, 33, 35, 40, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 2, 6, 9, 17, 5, 4).pad(1, 3, 4, 0));
        sizes.add(Sizes.of(1, 3, 9, 16, 16, 3, 3).pad(2, 2, 3, 1).dilation(2, 3));
        sizes.add(Sizes.of(1, 1, 28, 28, 24, 5, 5));
        sizes.add(Sizes.of(1, 4, 8, 8, 24, 3, 3).pad(1));
        sizes.add(Sizes.of(0, 3, 8, 8, 24, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 8, 40, 3, 8, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 8, 3, 40, 8, 3, 3).pad(1));
        return sizes;
    }

    private static List<Sizes> groupedSizes() {
        List<Sizes> sizes = new ArrayList<>();
        sizes.add(Sizes.of(2, 6, 7, 7, 8, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(2, 7, 6, 6, 7, 3, 3).pad(1).groups(7));
        sizes.add(Sizes.of(1, 5, 8, 8, 10, 3, 3).pad(1).stride(2, 2).groups(5));
        sizes.add(Sizes.of(2, 24, 8, 8, 24, 3, 3).pad(1).groups(3));
        sizes.add(Sizes.of(1, 56, 8, 8, 56, 3, 3).pad(1).stride(2, 2).groups(7));
        sizes.add(Sizes.of(1, 152, 4, 4, 152, 3, 3).pad(1).groups(19));
        sizes.add(Sizes.of(1, 152, 3, 3, 152, 3, 3).pad(1).groups(152));
        sizes.add(Sizes.of(2, 32, 5, 5, 64, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(2, 48, 4, 4, 48, 3, 3).pad(1).groups(3));
        sizes.add(Sizes.of(1, 32, 5, 6, 32, 3, 3).pad(1).groups(32));
        sizes.add(Sizes.of(1, 32, 6, 6, 32, 3, 3).pad(1).groups(8).stride(2, 2));
        sizes.add(Sizes.of(1, 33, 5, 5, 66, 3, 3).pad(1).groups(3).dilation(1, 2));
        sizes.add(Sizes.of(0, 24, 4, 4, 24, 3, 3).pad(1).groups(3));
        return sizes;
    }

    /// Groups of eight channels, which a fast backend may do with loops of their own: all strides and paddings, rows that fill no tile,
    /// bands, and neighbours of these sizes that do not fit such loops.
    private static List<Sizes> groupsOfEightSizes() {
        List<Sizes> sizes = new ArrayList<>();
        for (int width : new int[] {1, 2, 7, 8, 9, 16, 17, 32, 34}) {
            sizes.add(Sizes.of(3, 24, 5, width, 24, 3, 3).pad(1).groups(3));
            sizes.add(Sizes.of(2, 16, 6, width, 16, 3, 3).pad(1).stride(2, 2).groups(2));
        }
        sizes.add(Sizes.of(5, 56, 1, 1, 56, 3, 3).pad(1).groups(7));
        sizes.add(Sizes.of(40, 16, 8, 8, 16, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(1, 16, 70, 66, 16, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(1, 24, 70, 66, 24, 3, 3).pad(1).stride(2, 2).groups(3));
        sizes.add(Sizes.of(2, 16, 6, 9, 16, 3, 3).groups(2));
        sizes.add(Sizes.of(2, 16, 6, 9, 16, 3, 3).pad(2, 0, 0, 2).groups(2));
        sizes.add(Sizes.of(2, 16, 6, 9, 16, 3, 3).pad(0, 3, 4, 1).groups(2));
        sizes.add(Sizes.of(2, 16, 7, 10, 16, 3, 3).pad(0, 2, 1, 0).stride(2, 2).groups(2));
        sizes.add(Sizes.of(2, 16, 7, 10, 16, 3, 3).pad(0, 1, 0, 1).stride(2, 2).groups(2));
        sizes.add(Sizes.of(2, 16, 8, 10, 16, 3, 3).pad(1).stride(1, 2).groups(2));
        sizes.add(Sizes.of(2, 16, 7, 10, 16, 1, 3).pad(1).groups(2));
        sizes.add(Sizes.of(2, 16, 9, 10, 16, 5, 3).pad(2, 2, 1, 1).stride(2, 2).groups(2));
        sizes.add(Sizes.of(2, 16, 9, 10, 16, 5, 5).pad(2).groups(2));
        sizes.add(Sizes.of(2, 16, 9, 10, 16, 3, 3).pad(2).dilation(2, 2).groups(2));
        sizes.add(Sizes.of(2, 32, 9, 10, 32, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(2, 16, 9, 10, 32, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(0, 16, 9, 10, 16, 3, 3).pad(1).groups(2));
        return sizes;
    }

    /// One channel for each group, with strides, paddings, dilations and channel multipliers.
    private static List<Sizes> depthwiseSizes() {
        List<Sizes> sizes = new ArrayList<>();
        for (int channels : new int[] {5, 16, 24, 56}) {
            sizes.add(Sizes.of(3, channels, 7, 9, channels, 3, 3).pad(1).groups(channels));
            sizes.add(Sizes.of(2, channels, 8, 17, channels, 3, 3).pad(1).stride(2, 2).groups(channels));
        }
        sizes.add(Sizes.of(2, 16, 9, 10, 16, 5, 5).pad(2).groups(16));
        sizes.add(Sizes.of(2, 17, 9, 10, 17, 3, 2).pad(0, 2, 3, 1).groups(17));
        sizes.add(Sizes.of(1, 16, 12, 11, 16, 3, 3).pad(2, 2, 1, 3).dilation(2, 3).stride(1, 2).groups(16));
        sizes.add(Sizes.of(1, 16, 12, 11, 16, 3, 3).pad(2).dilation(2, 2).groups(16));
        sizes.add(Sizes.of(1, 8, 70, 60, 8, 3, 3).pad(1).groups(8));
        sizes.add(Sizes.of(1, 8, 70, 60, 8, 7, 7).pad(3).stride(3, 3).groups(8));
        sizes.add(Sizes.of(5, 16, 1, 1, 16, 3, 3).pad(1).groups(16));
        sizes.add(Sizes.of(2, 16, 6, 6, 16, 1, 1).groups(16));
        sizes.add(Sizes.of(2, 16, 6, 6, 32, 3, 3).pad(1).groups(16));
        sizes.add(Sizes.of(1, 3, 6, 6, 3, 3, 3).pad(1).groups(3));
        sizes.add(Sizes.of(0, 16, 6, 6, 16, 3, 3).pad(1).groups(16));
        return sizes;
    }

    /// Sizes beyond what a fast backend does in one piece: many channels, wide rows, large batches.
    private static List<Sizes> largeSizes() {
        List<Sizes> sizes = new ArrayList<>();
        sizes.add(Sizes.of(13, 512, 2, 2, 48, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 512, 4, 4, 80, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 48, 4, 4, 512, 3, 3).pad(1));
        sizes.add(Sizes.of(1, 256, 10, 10, 64, 3, 3).pad(1));
        sizes.add(Sizes.of(7, 128, 8, 8, 32, 3, 3).pad(1).stride(2, 2));
        sizes.add(Sizes.of(1, 1700, 8, 8, 16, 1, 1));
        sizes.add(Sizes.of(1, 16, 8, 8, 1700, 1, 1));
        sizes.add(Sizes.of(1, 512, 4, 224, 5, 3, 3).pad(1));
        sizes.add(Sizes.of(2, 3, 5, 300, 16, 3, 3).pad(1));
        sizes.add(Sizes.of(9, 16, 20, 20, 3, 3, 3).pad(1));
        sizes.add(Sizes.of(70, 256, 1, 1, 128, 3, 3).pad(1));
        sizes.add(Sizes.of(20, 512, 8, 8, 512, 1, 1).stride(8, 8));
        sizes.add(Sizes.of(20, 512, 1, 1, 512, 1, 1));
        sizes.add(Sizes.of(40, 24, 8, 8, 16, 1, 1));
        sizes.add(Sizes.of(2, 16, 4, 4, 16, 1, 1).stride(2, 2).pad(0, 4, 0, 4));
        sizes.add(Sizes.of(50, 10, 2, 2, 17, 3, 3).pad(1));
        sizes.add(Sizes.of(25, 24, 4, 4, 24, 3, 3).pad(1).groups(3));
        sizes.add(Sizes.of(20, 3, 9, 9, 10, 3, 3).pad(1).stride(2, 2));
        sizes.add(Sizes.of(1, 128, 6, 6, 128, 3, 3).pad(1).groups(2));
        sizes.add(Sizes.of(1, 64, 40, 40, 24, 1, 1));
        return sizes;
    }

    private static List<Sizes> randomSizes(int count) {
        RandomStream random = RandomStream.of(11, "convolution sizes");
        List<Sizes> sizes = new ArrayList<>();
        while (sizes.size() < count) {
            int groups = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 1;
            Sizes drawn = Sizes
                    .of(1 + random.nextInt(3), groups * (1 + random.nextInt(20)), 1 + random.nextInt(9), 1 + random.nextInt(9),
                            groups * (1 + random.nextInt(20)), 1 + random.nextInt(4), 1 + random.nextInt(4))
                    .stride(1 + random.nextInt(3), 1 + random.nextInt(3))
                    .pad(random.nextInt(3), random.nextInt(3), random.nextInt(3), random.nextInt(3))
                    .dilation(1 + random.nextInt(2), 1 + random.nextInt(2)).groups(groups);
            if (drawn.isPossible()) {
                sizes.add(drawn);
            }
        }
        return sizes;
    }

    /// What sums may be off: their values, the sums of their terms' magnitudes and the number of terms.
    interface Tolerance {

        Expected of(double[] values, double[] magnitudes, int terms);
    }

    private static List<OperationCase> all(Conv2dSizes s, long seed, Tolerance tolerance) {
        Tensor x = Samples.uniform(100 * seed, s.inputShape().toArray());
        Tensor weight = Samples.uniform(100 * seed + 1, s.weightShape().toArray());
        Tensor bias = Samples.uniform(100 * seed + 2, s.o());
        Tensor dOut = Samples.uniform(100 * seed + 3, s.outputShape().toArray());
        String name = s.toString();
        return List.of(
                OperationCase.of("biased " + name, Opcode.CONV2D, s, TensorSpec.floats(s.outputShape()),
                        () -> forward(s, x, weight, bias, tolerance),
                        x, weight, bias),
                OperationCase.of(name, Opcode.CONV2D, s, TensorSpec.floats(s.outputShape()), () -> forward(s, x, weight, null, tolerance),
                        x, weight,
                        null),
                OperationCase.of(name, Opcode.CONV2D_BACKWARD_INPUT, s, TensorSpec.floats(s.inputShape()),
                        () -> backwardInput(s, dOut, weight, tolerance), dOut,
                        weight),
                OperationCase.of(name, Opcode.CONV2D_BACKWARD_WEIGHT, s, TensorSpec.floats(s.weightShape()),
                        () -> backwardWeight(s, x, dOut, tolerance), x, dOut));
    }

    /// Visits every product of a convolution: indices of output, input and weight elements.
    private interface Product {

        void at(int y, int x, int weight);
    }

    private static void visit(Conv2dSizes s, Product product) {
        int weightIndex = 0;
        for (int io = 0; io < s.o(); io++) {
            int group = io / s.groupOutputs();
            for (int ic = 0; ic < s.groupInputs(); ic++) {
                for (int t = 0; t < s.kh(); t++) {
                    for (int u = 0; u < s.kw(); u++) {
                        visitTap(s, io, group * s.groupInputs() + ic, t, u, weightIndex++, product);
                    }
                }
            }
        }
    }

    private static void visitTap(Conv2dSizes s, int io, int ic, int t, int u, int weightIndex, Product product) {
        for (int in = 0; in < s.n(); in++) {
            for (int ioh = 0; ioh < s.oh(); ioh++) {
                int ih = ioh * s.strideH() + t * s.dilationH() - s.padTop();
                for (int iow = 0; iow < s.ow() && ih >= 0 && ih < s.h(); iow++) {
                    int iw = iow * s.strideW() + u * s.dilationW() - s.padLeft();
                    if (iw >= 0 && iw < s.w()) {
                        product.at(((in * s.o() + io) * s.oh() + ioh) * s.ow() + iow, ((in * s.c() + ic) * s.h() + ih) * s.w() + iw,
                                weightIndex);
                    }
                }
            }
        }
    }

    static Expected forward(Conv2dSizes s, Tensor x, Tensor weight, @Nullable Tensor bias, Tolerance tolerance) {
        float[] xs = x.toArray();
        float[] ws = weight.toArray();
        float[] bs = bias == null ? new float[s.o()] : bias.toArray();
        int pixels = s.oh() * s.ow();
        double[] y = Expected.fill(s.outputShape().elements(), i -> bs[i / pixels % s.o()]);
        double[] magnitude = Expected.fill(y.length, i -> Math.abs(y[i]));
        visit(s, (iy, ix, iw) -> {
            double value = (double) xs[ix] * ws[iw];
            y[iy] += value;
            magnitude[iy] += Math.abs(value);
        });
        return tolerance.of(y, magnitude, s.groupInputs() * s.kh() * s.kw() + 1);
    }

    private static Expected backwardInput(Conv2dSizes s, Tensor dOut, Tensor weight, Tolerance tolerance) {
        float[] ds = dOut.toArray();
        float[] ws = weight.toArray();
        double[] dx = new double[s.inputShape().elements()];
        double[] magnitude = new double[dx.length];
        visit(s, (iy, ix, iw) -> {
            double value = (double) ds[iy] * ws[iw];
            dx[ix] += value;
            magnitude[ix] += Math.abs(value);
        });
        return tolerance.of(dx, magnitude, s.groupOutputs() * s.kh() * s.kw());
    }

    private static Expected backwardWeight(Conv2dSizes s, Tensor x, Tensor dOut, Tolerance tolerance) {
        float[] xs = x.toArray();
        float[] ds = dOut.toArray();
        double[] dWeight = new double[s.weightShape().elements()];
        double[] magnitude = new double[dWeight.length];
        visit(s, (iy, ix, iw) -> {
            double value = (double) xs[ix] * ds[iy];
            dWeight[iw] += value;
            magnitude[iw] += Math.abs(value);
        });
        return tolerance.of(dWeight, magnitude, s.n() * s.oh() * s.ow());
    }

    /// Matrix products: all transpositions, with and without bias.
    public static List<OperationCase> matrixProducts() {
        int[][] sizes = {{1, 1, 1}, {0, 5, 3}, {1, 10, 512}, {5, 3, 17}, {3, 11, 37}, {7, 16, 16}, {16, 17, 33}, {33, 32, 64},
            {64, 10, 100}, {2, 152, 56},
            {13, 1, 9}, {1, 37, 1030}, {5, 1, 777}, {49, 150, 300}, {9, 4, 0}, {130, 70, 3}, {200, 65, 130}, {7, 1000, 520}};
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (int[] size : sizes) {
            for (int variant = 0; variant < 8; variant++) {
                cases.add(product(new GemmSizes(size[0], size[1], size[2], (variant & 1) != 0, (variant & 2) != 0), (variant & 4) != 0,
                        seed++));
            }
        }
        return cases;
    }

    private static OperationCase product(GemmSizes s, boolean biased, long seed) {
        Tensor a = s.transposeA() ? Samples.uniform(seed, s.k(), s.m()) : Samples.uniform(seed, s.m(), s.k());
        Tensor b = s.transposeB() ? Samples.uniform(seed + 1000, s.n(), s.k()) : Samples.uniform(seed + 1000, s.k(), s.n());
        Tensor bias = biased ? Samples.uniform(seed + 2000, s.n()) : null;
        return OperationCase.of((biased ? "biased " : "") + s, Opcode.GEMM, s, TensorSpec.floats(s.m(), s.n()),
                () -> product(s, a, b, bias), a, b, bias);
    }

    private static Expected product(GemmSizes s, Tensor a, Tensor b, @Nullable Tensor bias) {
        float[] as = a.toArray();
        float[] bs = b.toArray();
        float[] biases = bias == null ? new float[s.n()] : bias.toArray();
        double[] c = new double[s.m() * s.n()];
        double[] magnitude = new double[c.length];
        for (int im = 0; im < s.m(); im++) {
            for (int in = 0; in < s.n(); in++) {
                double sum = biases[in];
                double absolute = Math.abs(sum);
                for (int ik = 0; ik < s.k(); ik++) {
                    double value = (double) as[s.transposeA() ? ik * s.m() + im : im * s.k() + ik]
                            * bs[s.transposeB() ? in * s.k() + ik : ik * s.n() + in];
                    sum += value;
                    absolute += Math.abs(value);
                }
                c[im * s.n() + in] = sum;
                magnitude[im * s.n() + in] = absolute;
            }
        }
        return Expected.sums(c, magnitude, s.k() + 1);
    }
}
