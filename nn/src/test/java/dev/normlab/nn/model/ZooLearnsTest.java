package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.SyntheticDataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Adam;
import dev.normlab.nn.optim.AdamOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every model, with few channels, learns images of the synthetic data set by heart.
@Tag("slow")
class ZooLearnsTest {

    private static final int N = 16;
    private static final int STEPS = 25;

    private static List<String> names() {
        return Models.names();
    }

    @ParameterizedTest
    @MethodSource("names")
    void theLossFalls(String name) {
        Dataset data = SyntheticDataset.generate(new SyntheticDataset.Config(32, N, 1, 1, 0.2)).train();
        float[] pixels = new float[N * 3 * 32 * 32];
        int[] labels = new int[N];
        for (int i = 0; i < N; i++) {
            data.image(i, pixels, i * 3 * 32 * 32);
            labels[i] = data.label(i);
        }
        Tensor images = Tensor.of(Shape.of(N, 3, 32, 32), pixels);
        Tensor wanted = Tensor.ofInts(Shape.of(N), labels);
        Layer model = Models.create(name + ":width=" + width(name), 1);
        double[] losses = new double[STEPS];
        try (Device device = Device.cpu(2);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Adam(model, AdamOptions.adam(3e-3)), List.of(),
                        device)) {
            for (int i = 0; i < STEPS; i++) {
                losses[i] = step.run(images, wanted).loss();
            }
        }
        double last = Arrays.stream(losses, STEPS - 3, STEPS).average().orElseThrow();
        assertTrue(last < 0.85 * losses[0], name + ": " + Arrays.toString(losses));
    }

    // Small networks need channels, large ones take time.
    private static double width(String name) {
        if (name.equals("lenet") || name.startsWith("pnasnet")) {
            return 0.5;
        }
        return name.matches("wrn.*|dpn92|densenet[12].*|.*resnet1[05].*|resnext29_.x64d") ? 0.0625 : 0.125;
    }
}
