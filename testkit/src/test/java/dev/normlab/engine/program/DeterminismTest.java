package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.BatchNorm;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.OperationCases;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Results are the same bits for any number of threads, and an image's results do not depend on its batch.
class DeterminismTest {

    @TestFactory
    Stream<DynamicTest> trainingStepsAreBitwiseTheSameWithOneTwoAndFiveThreads() {
        return Device.providers().stream()
                .flatMap(provider -> IntStream.rangeClosed(31, 42).mapToObj(seed -> dynamicTest(provider.name() + ": seed " + seed, () -> {
                    List<int[]> one = train(seed, provider, 1);
                    for (int threads : new int[] {2, 5}) {
                        List<int[]> several = train(seed, provider, threads);
                        assertEquals(one.size(), several.size());
                        for (int i = 0; i < one.size(); i++) {
                            assertArrayEquals(one.get(i), several.get(i), "result " + i + " with " + threads + " threads");
                        }
                    }
                })));
    }

    private static List<int[]> train(long seed, KernelsProvider provider, int threads) {
        List<int[]> results = new ArrayList<>();
        RandomTrainingStep step = new RandomTrainingStep(seed);
        try (Device device = Device.of(provider.create(), threads, true)) {
            for (int k = 0; k < 2; k++) {
                step.prepare(k);
                try (Tape tape = Tape.eager(device, step.parameters())) {
                    step.train(tape, step.images(k), step.labels(k)).values().forEach(result -> results.add(OperationCases.bits(result)));
                }
            }
            step.state().forEach(tensor -> results.add(OperationCases.bits(tensor)));
        }
        return results;
    }

    /// Channels of the image, of the first and of the second convolution, and the size of the image: a network in eval mode.
    private record Network(int c, int first, int second, int size, int groups) {

        private Tensor logits(Tape tape, Tensor x) {
            Conv2dGeometry same = new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO);
            Conv2dGeometry half = new Conv2dGeometry(2, 2, 1, 1, 1, 1, 1, 1, groups, PadMode.ZERO);
            Tensor y = Convolution.conv2d(tape, x, Samples.uniform(2, first, c, 3, 3), Samples.uniform(3, first), same);
            y = Activations.relu(tape, normalise(tape, y));
            y = Convolution.conv2d(tape, y, Samples.uniform(4, second, first / groups, 3, 3), null, half);
            y = Activations.silu(tape, normalise(tape, y));
            Tensor squeezed = Pooling.adaptiveAveragePool2d(tape, y, 1, 1);
            y = Arithmetic.multiply(tape, y,
                    Activations.sigmoid(tape, Convolution.conv2d(tape, squeezed, Samples.uniform(5, second, second, 1, 1), null,
                            new Conv2dGeometry(1, 1, 0, 0, 0, 0, 1, 1, 1, PadMode.ZERO))));
            y = Pooling.maxPool2d(tape, y, Pool2dGeometry.of(2, 1, 1));
            Tensor flat = Arrangement.flatten(tape, Pooling.averagePool2d(tape, y, Pool2dGeometry.of(2, 2, 0)));
            return Matrices.linear(tape, flat, Samples.uniform(6, 10, flat.shape().size(1)), Samples.uniform(7, 10));
        }

        private static Tensor normalise(Tape tape, Tensor x) {
            int c = x.shape().size(1);
            return BatchNorm.eval(tape, x, Samples.uniform(8, c), Samples.uniform(9, c), Samples.uniform(10, c),
                    Samples.uniform(11, 0.5f, 2f, c), 1e-5f);
        }

        /// The bits of logits, losses and the input's gradient of every image.
        private int[][][] evaluate(Device device, Tensor x, Tensor labels) {
            try (Tape tape = Tape.eager(device, List.of(x))) {
                Tensor logits = logits(tape, x);
                Tensor losses = Losses.crossEntropy(tape, logits, labels, CrossEntropyOptions.of(Reduction.NONE));
                Tensor dx = tape.backward(Reductions.sum(tape, losses, false)).of(x);
                int n = x.shape().size(0);
                int[][][] images = new int[n][][];
                for (int in = 0; in < n; in++) {
                    images[in] = new int[][] {part(logits, in, n), part(losses, in, n), part(dx, in, n)};
                }
                return images;
            }
        }

        private static int[] part(Tensor tensor, int in, int n) {
            int[] bits = OperationCases.bits(tensor);
            int each = bits.length / n;
            return Arrays.copyOfRange(bits, in * each, (in + 1) * each);
        }
    }

    @TestFactory
    Stream<DynamicTest> anImagesLogitsAndGradientDoNotDependOnItsBatch() {
        List<Network> networks = List.of(new Network(3, 16, 32, 8, 1), new Network(3, 10, 17, 7, 1), new Network(1, 24, 24, 6, 3),
                new Network(10, 33, 56, 4, 1), new Network(3, 48, 48, 5, 3), new Network(5, 7, 7, 6, 7), new Network(3, 128, 256, 4, 1));
        return Device.providers().stream()
                .flatMap(provider -> networks.stream()
                        .map(network -> dynamicTest(provider.name() + ": " + network, () -> compare(network, provider))));
    }

    private static void compare(Network network, KernelsProvider provider) {
        int batch = 13;
        Tensor x = Samples.uniform(1, batch, network.c(), network.size(), network.size());
        Tensor labels = Samples.integers(1, 10, batch);
        try (Device device = Device.of(provider.create(), 2, true)) {
            int[][][] together = network.evaluate(device, x, labels);
            for (int[] chosen : new int[][] {{0}, {5}, {12}, {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, {3, 3}, {4, 5, 6, 7},
                {1, 2, 3, 4, 5, 6, 7, 8}}) {
                int[][][] apart = network.evaluate(device, pick(x, chosen), pickLabels(labels, chosen));
                for (int i = 0; i < chosen.length; i++) {
                    String where = "image " + chosen[i] + " in a batch of " + chosen.length;
                    assertArrayEquals(together[chosen[i]][0], apart[i][0], "logits of " + where);
                    assertArrayEquals(together[chosen[i]][1], apart[i][1], "loss of " + where);
                    assertArrayEquals(together[chosen[i]][2], apart[i][2], "gradient of " + where);
                }
            }
        }
    }

    private static Tensor pick(Tensor x, int[] chosen) {
        float[] all = x.toArray();
        int each = all.length / x.shape().size(0);
        float[] some = new float[chosen.length * each];
        for (int i = 0; i < chosen.length; i++) {
            System.arraycopy(all, chosen[i] * each, some, i * each, each);
        }
        return Tensor.of(x.shape().with(0, chosen.length), some);
    }

    private static Tensor pickLabels(Tensor labels, int[] chosen) {
        return Tensor.ofInts(Shape.of(chosen.length), Arrays.stream(chosen).map(i -> labels.toIntArray()[i]).toArray());
    }
}
