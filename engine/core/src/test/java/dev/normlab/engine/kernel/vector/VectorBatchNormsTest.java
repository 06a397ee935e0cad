package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VectorBatchNormsTest {

    /// The first image lies elsewhere, so that no shift taken from it would help.
    @Test
    void theVarianceOfImagesFarFromEachOtherDoesNotCancel() {
        requireStatistics(0f, 1e-6);
    }

    /// The variance, 1/12, is 8e-8 of the squares of the values: sums of squares in floats would lose all of it.
    @Test
    void theVarianceOfValuesFarFromZeroDoesNotCancel() {
        requireStatistics(1000f, 1e-4);
    }

    private static void requireStatistics(float startOfFirstImage, double tolerance) {
        BatchNormSizes s = new BatchNormSizes(6, 20, 49, 0f);
        Shape shape = Shape.of(6, 20, 7, 7);
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i < 20 * 49 ? startOfFirstImage : 1000f) + (float) random.nextDouble();
        }
        VectorKernels kernels = new VectorKernels();
        Layout layout = kernels.activationLayout(shape);
        float[] packed = new float[layout.length(shape)];
        layout.pack(shape, values, packed);
        Storage mean = plain(20), var = plain(20);
        try (Workers workers = new Workers(1)) {
            kernels.batchNorms().batchNormTrain(s, Storage.ofFloats(shape, layout, packed), null, null,
                    Storage.ofFloats(shape, layout, new float[packed.length]), mean, var, new Workspace(workers));
        }
        for (int ic = 0; ic < 20; ic++) {
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += i / 49 % 20 == ic ? values[i] : 0;
            }
            double expectedMean = sum / s.count();
            double squares = 0;
            for (int i = 0; i < values.length; i++) {
                squares += i / 49 % 20 == ic ? (values[i] - expectedMean) * (values[i] - expectedMean) : 0;
            }
            assertEquals(expectedMean, mean.floats()[ic], 1e-6 * expectedMean);
            assertEquals(squares / s.count(), var.floats()[ic], tolerance * squares / s.count());
        }
    }

    private static Storage plain(int length) {
        return Storage.ofFloats(Shape.of(length), Layout.PLAIN, new float[length]);
    }
}
