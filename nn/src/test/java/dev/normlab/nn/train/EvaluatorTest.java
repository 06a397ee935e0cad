package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.BatchNormalization.Options;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What fills the last batch beside an accelerator.
class EvaluatorTest {

    private static final int IMAGES = 6;
    private static final int BATCH = 4;

    private static final class Beside implements Accelerator {

        @Override
        public String describe() {
            return "nothing";
        }

        @Override
        public void close() {}
    }

    private static Layer model(boolean runningStatistics) {
        Options usual = Options.DEFAULT;
        return new Sequential(new BatchNorm2d(2, new Options(usual.eps(), usual.momentum(), usual.affine(), runningStatistics)),
                new Flatten(), new Linear(8, 3, true)).initialize(1);
    }

    private static float[] logits(Layer model, Device device) {
        float[] values = new float[IMAGES * 8];
        RandomStream.of(1, "images").fillUniform(values, 0f, 1f);
        Dataset data = Dataset.ofUnits("six", new ImageShape(2, 2, 2), List.of("a", "b", "c"), values, new int[IMAGES]);
        try (device; Evaluator evaluator = new Evaluator(model, BATCH, device)) {
            return evaluator.logits(data).toArray();
        }
    }

    @Test
    void logitsAreThoseOfTheImagesAlone() {
        for (boolean runningStatistics : new boolean[] {true, false}) {
            Layer model = model(runningStatistics);
            float[] alone = logits(model, Device.scalar(1));
            float[] beside = logits(model, Device.accelerated(new Beside(), 1));
            assertArrayEquals(alone, beside, 1e-5f, "running statistics: " + runningStatistics);
            assertFalse(Arrays.equals(alone, new float[alone.length]));
        }
    }
}
