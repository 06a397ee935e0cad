package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.intOutput;
import static dev.normlab.engine.kernel.scalar.Fixture.ints;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// One kernel of every family at sizes of several chunks, with teams of different sizes.
class ScalarDeterminismTest {

    private static final int N = 8;
    private static final int C = 12;
    private static final int SIDE = 24;
    private static final int PIXELS = SIDE * SIDE;

    private final Kernels kernels = new ScalarKernels();
    private final List<Storage> results = new ArrayList<>();

    @Test
    void resultsAreBitwiseTheSameForAnyNumberOfThreads() {
        List<float[]> one = runAll(1);
        for (int threads : new int[] {2, 5}) {
            List<float[]> several = runAll(threads);
            assertEquals(one.size(), several.size());
            for (int i = 0; i < one.size(); i++) {
                assertArrayEquals(one.get(i), several.get(i), "result " + i + " with " + threads + " threads");
            }
        }
    }

    private List<float[]> runAll(int threads) {
        results.clear();
        try (Workers workers = new Workers(threads)) {
            Workspace workspace = new Workspace(workers);
            Storage x = random(1, N, C, SIDE, SIDE);
            convolutionsAndProducts(x, workspace);
            normsAndPools(x, workspace);
            elementsAndSums(x, workspace);
            lossesAndUpdates(workspace);
        }
        List<float[]> values = new ArrayList<>();
        for (Storage result : results) {
            float[] floats = result.floats();
            for (float value : floats) {
                assertFalse(Float.isNaN(value), "an element was not written");
            }
            values.add(floats);
        }
        return values;
    }

    private Storage result(int... sizes) {
        Storage storage = output(sizes);
        results.add(storage);
        return storage;
    }

    private void convolutionsAndProducts(Storage x, Workspace workspace) {
        Conv2dSizes s = new Conv2dSizes(N, C, SIDE, SIDE, C, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, SIDE, SIDE);
        Storage weight = random(2, C, C / 2, 3, 3);
        Storage y = result(N, C, SIDE, SIDE);
        kernels.convolutions().conv2dForward(s, x, weight, random(3, C), y, workspace);
        kernels.convolutions().conv2dBackwardInput(s, y, weight, result(N, C, SIDE, SIDE), workspace);
        kernels.convolutions().conv2dBackwardWeight(s, x, y, result(C, C / 2, 3, 3), workspace);
        GemmSizes product = new GemmSizes(100, 70, 90, false, true);
        kernels.matrices().gemm(product, random(4, 100, 90), random(5, 70, 90), null, result(100, 70), workspace);
    }

    private void normsAndPools(Storage x, Workspace workspace) {
        BatchNormSizes s = new BatchNormSizes(N, C, PIXELS, 1e-5f);
        Storage mean = result(C), var = result(C), dWeight = result(C), dBias = result(C), g = random(6, N, C, SIDE, SIDE);
        kernels.batchNorms().batchNormTrain(s, x, null, null, result(N, C, SIDE, SIDE), mean, var, workspace);
        kernels.batchNorms().batchNormBackwardParameters(s, x, g, mean, var, dWeight, dBias, workspace);
        kernels.batchNorms().batchNormTrainBackwardInput(s, x, g, null, mean, var, dWeight, dBias, result(N, C, SIDE, SIDE), workspace);
        Pool2dSizes pool = new Pool2dSizes(N, C, SIDE, SIDE, 3, 3, 1, 1, 1, 1, 1, 1, SIDE, SIDE, true, 0);
        Storage indices = result(N, C, SIDE, SIDE);
        kernels.pooling().maxPoolForward(pool, x, result(N, C, SIDE, SIDE), indices, workspace);
        kernels.pooling().maxPoolBackward(pool, g, indices, result(N, C, SIDE, SIDE), workspace);
        kernels.pooling().averagePoolBackward(pool, g, result(N, C, SIDE, SIDE), workspace);
    }

    private void elementsAndSums(Storage x, Workspace workspace) {
        kernels.elementwise().unary(UnaryFunction.SILU, x, result(N, C, SIDE, SIDE), workspace);
        kernels.elementwise().random(new RandomFill(RandomFill.Kind.NORMAL, 0f), ints(1, 2, 3, 4), result(N, C, SIDE, SIDE), workspace);
        kernels.reductions().channelSum(N, C, PIXELS, x, result(C), workspace);
        kernels.reductions().reduce(new ReduceSizes(x.shape(), Shape.of(N, 1, SIDE, 1), Shape.of(N, SIDE), true), x, result(N, SIDE),
                workspace);
        kernels.reductions().softmax(new AxisSizes(N, C, PIXELS), true, x, result(N, C, SIDE, SIDE), workspace);
        Layout blocked = Layout.blocked(8);
        Storage packed = output(blocked, N, C, SIDE, SIDE);
        results.add(packed);
        kernels.arrangements().repack(x, packed, workspace);
    }

    private void lossesAndUpdates(Workspace workspace) {
        int n = 300, k = 50;
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            labels[i] = i * 7 % k;
        }
        CrossEntropySizes s = new CrossEntropySizes(n, k, 0.1f, -100, Reduction.MEAN);
        kernels.losses().crossEntropyForward(s, random(7, n, k), ints(labels), random(8, k), result(1), workspace);
        kernels.losses().crossEntropyBackward(s, random(7, n, k), ints(labels), random(8, k), random(9, 1), result(n, k), workspace);
        Storage norm = result(1);
        SliceNormSizes slices = new SliceNormSizes(64, 96, 3, 3, 1, false, List.of(new TapSet(List.of(0, 1, 2), List.of(0, 1)), new TapSet(
                List.of(1), List.of(2))));
        Storage weight = random(10, 64, 96, 3, 3);
        kernels.updates().sliceNorm(slices, weight, null, norm, intOutput(2), workspace);
        kernels.updates().sgd(random(11, 64, 96, 3, 3), floats(Shape.of(6), 0.1f, 0.9f, 0f, 1e-3f, 1f, 0f), weight, random(12, 64, 96, 3,
                3), workspace);
        results.add(weight);
    }

    @Test
    void theScalarDeviceIsFoundByItsName() {
        try (Device device = Device.open("scalar", 2)) {
            assertEquals("scalar", device.kernels().name());
            assertEquals(Layout.PLAIN, device.kernels().activationLayout(Shape.of(1, 64, 8, 8)));
        }
    }
}
