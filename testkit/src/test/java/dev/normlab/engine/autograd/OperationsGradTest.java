package dev.normlab.engine.autograd;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.GradientChecks;
import dev.normlab.testkit.GradientChecks.Function;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Every differentiable operation against its adjoint or its central differences, on every backend.
class OperationsGradTest {

    private static final Pool2dGeometry WINDOW_3_STRIDE_2 = Pool2dGeometry.of(3, 2, 1);

    private record Check(String name, Consumer<Device> body) {}

    private final List<Check> checks = new ArrayList<>();

    @TestFactory
    Stream<DynamicTest> gradientsAgreeWithAdjointsAndDifferences() {
        convolutions();
        matrices();
        batchNorms();
        pooling();
        arithmetic();
        activations();
        reductions();
        arrangement();
        losses();
        return Device.providers().stream()
                .flatMap(provider -> checks.stream()
                        .map(check -> dynamicTest(provider.name() + ": " + check.name(), () -> run(check, provider))));
    }

    private static void run(Check check, KernelsProvider provider) {
        try (Device device = Device.of(provider.create(), 2, true)) {
            check.body().accept(device);
        }
    }

    private void linear(String name, int terms, Function function, Tensor... inputs) {
        checks.add(new Check(name, device -> GradientChecks.adjoint(device, terms, 7, function, inputs)));
    }

    private void smooth(String name, Function function, Tensor... inputs) {
        checks.add(new Check(name, device -> GradientChecks.differences(device, 7, function, inputs)));
    }

    private void convolutions() {
        List<Conv2dGeometry> geometries = List.of(new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO),
                new Conv2dGeometry(2, 2, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO), new Conv2dGeometry(1, 2, 0, 2, 1, 0, 2, 1, 1, PadMode.ZERO),
                new Conv2dGeometry(1, 1, 1, 2, 2, 0, 1, 1, 1, PadMode.CIRCULAR),
                new Conv2dGeometry(2, 1, 1, 2, 2, 0, 1, 1, 1, PadMode.REFLECT),
                new Conv2dGeometry(1, 1, 3, 2, 2, 4, 1, 1, 1, PadMode.REPLICATE));
        for (Conv2dGeometry geometry : geometries) {
            for (int[] size : new int[][] {{2, 3, 16}, {1, 10, 5}, {2, 16, 16}, {1, 17, 24}, {1, 56, 10}}) {
                linear("conv2d " + geometry + " " + size[1] + " to " + size[2], 9 * 56 + 2 * 49,
                        (tape, in) -> Convolution.conv2d(tape, in.get(0), in.get(1), null,
                                geometry),
                        Samples.uniform(1, size[0], size[1], 7, 7), Samples.uniform(2, size[2], size[1], 3, 3));
            }
        }
        Conv2dGeometry grouped = new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 3, PadMode.ZERO);
        linear("conv2d in 3 groups", 72, (tape, in) -> Convolution.conv2d(tape, in.get(0), in.get(1), null, grouped),
                Samples.uniform(1, 2, 24, 5, 6),
                Samples.uniform(2, 24, 8, 3, 3));
        linear("convTranspose2d in 3 groups", 72,
                (tape, in) -> Convolution.convTranspose2d(tape, in.get(0), in.get(1), null, grouped, 0, 0),
                Samples.uniform(1, 2, 24, 5, 6), Samples.uniform(2, 24, 8, 3, 3));
        Conv2dGeometry strided = new Conv2dGeometry(2, 2, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO);
        linear("convTranspose2d stride 2", 90, (tape, in) -> Convolution.convTranspose2d(tape, in.get(0), in.get(1), null, strided, 1, 1),
                Samples.uniform(1, 2, 10, 4, 5), Samples.uniform(2, 10, 17, 3, 3));
        smooth("conv2d with bias", (tape, in) -> Convolution.conv2d(tape, in.get(0), in.get(1), in.get(2), strided),
                Samples.uniform(1, 2, 3, 5, 5),
                Samples.uniform(2, 10, 3, 3, 3), Samples.uniform(3, 10));
        smooth("convTranspose2d with bias", (tape, in) -> Convolution.convTranspose2d(tape, in.get(0), in.get(1), in.get(2), strided, 0, 0),
                Samples.uniform(1, 2, 3, 3, 3), Samples.uniform(2, 3, 10, 3, 3), Samples.uniform(3, 10));
    }

    private void matrices() {
        linear("matmul", 37, (tape, in) -> Matrices.matmul(tape, in.get(0), in.get(1)), Samples.uniform(1, 13, 37),
                Samples.uniform(2, 37, 19));
        linear("linear", 512, (tape, in) -> Matrices.linear(tape, in.get(0), in.get(1), null), Samples.uniform(1, 5, 512),
                Samples.uniform(2, 10, 512));
        smooth("linear with bias on [2, 3, 7]", (tape, in) -> Matrices.linear(tape, in.get(0), in.get(1), in.get(2)),
                Samples.uniform(1, 2, 3, 7),
                Samples.uniform(2, 5, 7), Samples.uniform(3, 5));
    }

    private void batchNorms() {
        for (int[] sizes : new int[][] {{4, 3, 3, 3}, {3, 10, 2, 2}, {5, 17, 1, 1}, {6, 5}}) {
            int c = sizes[1];
            Tensor mean = Samples.uniform(4, c);
            Tensor var = Samples.uniform(5, 0.3f, 1f, c);
            smooth("batch norm in training " + Shape.of(sizes),
                    (tape, in) -> BatchNorm.train(tape, in.get(0), in.get(1), in.get(2), null, null, 0.1f, 1e-5f),
                    Samples.uniform(1, -3f, 3f, sizes), Samples.uniform(2, c), Samples.uniform(3, c));
            smooth("batch norm in training without weight " + Shape.of(sizes),
                    (tape, in) -> BatchNorm.train(tape, in.get(0), null, null, null, null, 0.1f, 1e-3f),
                    Samples.uniform(1, -3f, 3f, sizes));
            smooth("batch norm in eval mode " + Shape.of(sizes),
                    (tape, in) -> BatchNorm.eval(tape, in.get(0), in.get(1), in.get(2), mean, var, 1e-5f),
                    Samples.uniform(1, sizes), Samples.uniform(2, c), Samples.uniform(3, c));
        }
    }

    private void pooling() {
        for (int c : new int[] {3, 10, 16, 24}) {
            Tensor x = Samples.uniform(1, 2, c, 7, 9);
            linear("average pooling of " + c, 9, (tape, in) -> Pooling.averagePool2d(tape, in.get(0), WINDOW_3_STRIDE_2), x);
            linear("average pooling in ceil mode of " + c, 9,
                    (tape, in) -> Pooling.averagePool2d(tape, in.get(0), new Pool2dGeometry(3, 2, 2, 2, 1, 0, 1, 1, true, false, 0)), x);
            linear("adaptive average pooling of " + c, 63, (tape, in) -> Pooling.adaptiveAveragePool2d(tape, in.get(0), 3, 4), x);
            linear("global average pooling of " + c, 63, (tape, in) -> Pooling.adaptiveAveragePool2d(tape, in.get(0), 1, 1), x);
        }
        for (int c : new int[] {1, 3, 10, 17}) {
            Tensor x = spread(Samples.distinct(1, 1, c, 5, 6));
            smooth("max pooling of " + c, (tape, in) -> Pooling.maxPool2d(tape, in.get(0), WINDOW_3_STRIDE_2), x);
            smooth("dilated max pooling of " + c,
                    (tape, in) -> Pooling.maxPool2d(tape, in.get(0), new Pool2dGeometry(2, 2, 1, 2, 1, 0, 2, 1, true, true, 0)), x);
        }
    }

    /// Distinct values at least 0.02 apart.
    private static Tensor spread(Tensor distinct) {
        float[] values = distinct.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] *= 0.01f * values.length;
        }
        distinct.set(values);
        return distinct;
    }

    private void arithmetic() {
        int[][][] pairs = {{{2, 10, 3, 3}, {2, 10, 3, 3}}, {{2, 10, 3, 3}, {1, 10, 1, 1}}, {{2, 17, 2, 2}, {2, 17, 1, 1}},
            {{2, 17, 2, 2}, {2, 1, 1, 1}}, {{3, 4}, {4}},
            {{3, 1, 5}, {4, 1}}, {{2, 24, 2, 3}, {1}}, {{2, 10, 3, 1}, {10, 1, 3}}, {{1, 5, 3, 3}, {2, 5, 1, 1}}};
        for (int[][] pair : pairs) {
            String shapes = " " + Shape.of(pair[0]) + " " + Shape.of(pair[1]);
            Tensor a = Samples.uniform(1, pair[0]);
            Tensor b = Samples.uniform(2, pair[1]);
            smooth("add" + shapes, (tape, in) -> Arithmetic.add(tape, in.get(0), in.get(1)), a, b);
            smooth("subtract" + shapes, (tape, in) -> Arithmetic.subtract(tape, in.get(0), in.get(1)), a, b);
            linear("multiply" + shapes, 90, (tape, in) -> Arithmetic.multiply(tape, in.get(0), in.get(1)), a, b);
            smooth("divide" + shapes, (tape, in) -> Arithmetic.divide(tape, in.get(0), in.get(1)), a,
                    Samples.uniform(2, 0.7f, 1.5f, pair[1]));
        }
        Tensor a = spread(Samples.distinct(1, 2, 10, 3, 3));
        Tensor b = spread(Samples.distinct(2, 1, 10, 1, 1));
        for (int i = 0; i < 2; i++) {
            boolean largest = i == 0;
            smooth(largest ? "maximum" : "minimum",
                    (tape, in) -> largest ? Arithmetic.maximum(tape, in.get(0), in.get(1)) : Arithmetic.minimum(tape, in.get(0), in.get(1)),
                    a, halfStep(b));
        }
        Tensor x = Samples.awayFromZero(3, 0.05f, 2, 10, 3, 3);
        smooth("scale", (tape, in) -> Arithmetic.scale(tape, in.get(0), -1.7f), x);
        smooth("negate", (tape, in) -> Arithmetic.negate(tape, in.get(0)), x);
        smooth("exp", (tape, in) -> Arithmetic.exp(tape, in.get(0)), x);
        smooth("abs", (tape, in) -> Arithmetic.abs(tape, in.get(0)), x);
        smooth("square", (tape, in) -> Arithmetic.square(tape, in.get(0)), x);
        Tensor positive = Samples.uniform(4, 0.5f, 2f, 2, 17, 2, 2);
        smooth("log", (tape, in) -> Arithmetic.log(tape, in.get(0)), positive);
        smooth("sqrt", (tape, in) -> Arithmetic.sqrt(tape, in.get(0)), positive);
        smooth("x ln x", (tape, in) -> Arithmetic.xLogX(tape, in.get(0)), positive);
        smooth("clamp", (tape, in) -> Arithmetic.clamp(tape, in.get(0), 0.9f, 1.5f),
                between(Samples.uniform(5, 0.5f, 2f, 2, 10, 3, 3), 0.9f, 1.5f));
        smooth("l2Normalize", (tape, in) -> Arithmetic.l2Normalize(tape, in.get(0), 1, 1e-12f), Samples.uniform(6, 5, 9));
        smooth("l2Normalize of channels", (tape, in) -> Arithmetic.l2Normalize(tape, in.get(0), 1, 1e-12f),
                Samples.uniform(6, 2, 10, 3, 3));
    }

    /// Moves values by a quarter of the spacing of [#spread], so that they are equal to none of another spread tensor.
    private static Tensor halfStep(Tensor tensor) {
        float[] values = tensor.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(values[i] * 50) / 50f + 0.0098f;
        }
        tensor.set(values);
        return tensor;
    }

    /// Moves values away from two kinks.
    private static Tensor between(Tensor tensor, float low, float high) {
        float[] values = tensor.toArray();
        for (int i = 0; i < values.length; i++) {
            for (float kink : new float[] {low, high}) {
                values[i] += Math.abs(values[i] - kink) < 0.02f ? 0.05f : 0;
            }
        }
        tensor.set(values);
        return tensor;
    }

    private void activations() {
        for (int[] sizes : new int[][] {{33}, {2, 10, 3, 3}, {1, 17, 2, 2}}) {
            Tensor x = Samples.awayFromZero(1, 0.05f, sizes);
            smooth("relu " + x.shape(), (tape, in) -> Activations.relu(tape, in.get(0)), x);
            smooth("sigmoid " + x.shape(), (tape, in) -> Activations.sigmoid(tape, in.get(0)), x);
            smooth("silu " + x.shape(), (tape, in) -> Activations.silu(tape, in.get(0)), x);
        }
        Tensor counter = Tensor.ofInts(Shape.of(4), 1, 2, 3, 4);
        linear("dropout", 1, (tape, in) -> Dropout.dropout(tape, in.get(0), 0.4f, counter), Samples.uniform(1, 2, 10, 3, 3));
        linear("drop connect", 1, (tape, in) -> Dropout.dropConnect(tape, in.get(0), 0.4f, counter), Samples.uniform(1, 5, 10, 3, 3));
    }

    private void reductions() {
        Tensor images = Samples.uniform(1, 2, 10, 3, 4);
        for (int[] axes : new int[][] {{}, {0}, {1}, {2, 3}, {0, 2, 3}, {-1}}) {
            String name = " over " + Arrays.toString(axes);
            linear("sum" + name, 240, (tape, in) -> Reductions.sum(tape, in.get(0), false, axes), images);
            linear("mean" + name, 240, (tape, in) -> Reductions.mean(tape, in.get(0), true, axes), images);
        }
        Tensor distinct = spread(Samples.distinct(1, 4, 10, 3));
        for (int axis = 0; axis < 3; axis++) {
            int along = axis;
            smooth("max along " + axis, (tape, in) -> Reductions.max(tape, in.get(0), along, false), distinct);
            smooth("min along " + axis, (tape, in) -> Reductions.min(tape, in.get(0), along, true), distinct);
            smooth("top 2 along " + axis, (tape, in) -> Reductions.topK(tape, in.get(0), 2, along).values(), distinct);
            smooth("softmax along " + axis, (tape, in) -> Softmax.softmax(tape, in.get(0), along), Samples.uniform(1, 4, 10, 3));
            smooth("log softmax along " + axis, (tape, in) -> Softmax.logSoftmax(tape, in.get(0), along), Samples.uniform(1, 4, 10, 3));
        }
    }

    private void arrangement() {
        Tensor images = Samples.uniform(1, 2, 10, 4, 5);
        linear("reshape", 1, (tape, in) -> Arrangement.reshape(tape, in.get(0), 4, -1), images);
        linear("flatten", 1, (tape, in) -> Arrangement.flatten(tape, in.get(0)), images);
        linear("permute", 1, (tape, in) -> Arrangement.permute(tape, in.get(0), 0, 2, 3, 1), images);
        for (PadMode mode : PadMode.values()) {
            linear("pad " + mode, 16, (tape, in) -> Arrangement.pad(tape, in.get(0), 1, 2, 3, 0, mode), images);
        }
        smooth("concatenate channels", (tape, in) -> Arrangement.concatenate(tape, 1, in), images, Samples.uniform(2, 2, 7, 4, 5),
                Samples.uniform(3, 2, 16, 4, 5));
        smooth("concatenate whole blocks", (tape, in) -> Arrangement.concatenate(tape, 1, in), Samples.uniform(2, 2, 16, 2, 2),
                Samples.uniform(3, 2, 32, 2, 2));
        smooth("concatenate rows", (tape, in) -> Arrangement.concatenate(tape, 2, in), images, Samples.uniform(2, 2, 10, 1, 5));
        linear("slice channels", 1, (tape, in) -> Arrangement.slice(tape, in.get(0), 1, 3, 5), images);
        linear("slice columns", 1, (tape, in) -> Arrangement.slice(tape, in.get(0), -1, 1, 3), images);
        linear("split", 1, (tape, in) -> Arrangement.split(tape, in.get(0), 1, 4, 6).get(1), images);
        linear("channel shuffle", 1, (tape, in) -> Arrangement.channelShuffle(tape, in.get(0), 5), images);
        linear("gather", 4, (tape, in) -> Arrangement.gather(tape, in.get(0), 1, Samples.integers(3, 7, 5, 4)), Samples.uniform(4, 5, 7));
        Tensor mask = Tensor.of(Shape.of(3), 1f, 0f, 1f);
        smooth("select", (tape, in) -> Arrangement.select(tape, mask, in.get(0), in.get(1)), Samples.uniform(1, 3, 10, 2, 2),
                Samples.uniform(2, 3, 10, 2, 2));
        smooth("convolution, norm, shuffle and residual", (tape, in) -> {
            Conv2dGeometry same = new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO);
            Tensor y = Convolution.conv2d(tape, in.get(0), in.get(1), null, same);
            y = BatchNorm.train(tape, y, null, null, null, null, 0.1f, 1e-2f);
            y = Arithmetic.add(tape, Arrangement.channelShuffle(tape, Activations.silu(tape, y), 2), in.get(0));
            return Arrangement.flatten(tape, Pooling.averagePool2d(tape, y, Pool2dGeometry.of(2, 2, 0)));
        }, images, Samples.uniform(9, 10, 10, 3, 3));
    }

    private void losses() {
        Tensor logits = Samples.uniform(1, 6, 10);
        Tensor labels = Tensor.ofInts(Shape.of(6), 3, 9, 0, -100, 5, 5);
        Tensor weights = Samples.uniform(2, 0.3f, 2f, 10);
        for (Reduction reduction : Reduction.values()) {
            smooth("cross entropy " + reduction,
                    (tape, in) -> Losses.crossEntropy(tape, in.get(0), labels, new CrossEntropyOptions(reduction, 0.1f, -100, weights)),
                    logits);
            smooth("nll " + reduction,
                    (tape, in) -> Losses.nll(tape, in.get(0), labels, new CrossEntropyOptions(reduction, 0f, -100, weights)), logits);
            smooth("mse " + reduction, (tape, in) -> Losses.mse(tape, in.get(0), in.get(1), reduction), logits, Samples.uniform(3, 6, 10));
        }
        Tensor target = Samples.uniform(3, 0.1f, 0.9f, 6, 10);
        for (Losses.KlReduction reduction : Losses.KlReduction.values()) {
            smooth("kl divergence " + reduction, (tape, in) -> Losses.klDiv(tape, in.get(0), in.get(1), false, reduction), logits, target);
            smooth("kl divergence of logarithms " + reduction, (tape, in) -> Losses.klDiv(tape, in.get(0), in.get(1), true, reduction),
                    logits,
                    Samples.uniform(4, 6, 10));
        }
    }
}
