package dev.normlab.attacks;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.List;
import java.util.stream.IntStream;

/// Small models and images on which attacks are tried. Images are not square.
final class TestModels {

    static final ImageShape SHAPE = new ImageShape(3, 4, 5);

    private TestModels() {}

    /// Uniform images with random labels.
    static Dataset images(int n, int classes, long seed) {
        return images(SHAPE, n, classes, seed);
    }

    static Dataset images(ImageShape shape, int n, int classes, long seed) {
        RandomStream random = RandomStream.of(seed, "test images");
        float[] values = new float[n * shape.values()];
        random.fillUniform(values, 0f, 1f);
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            labels[i] = random.nextInt(classes);
        }
        return Dataset.ofUnits("test", shape, IntStream.range(0, classes).mapToObj(Integer::toString).toList(), values, labels);
    }

    /// Uniform images with the labels that a model gives them.
    static Dataset correctImages(Layer model, ImageShape shape, int n, int classes, long seed) {
        Dataset data = images(shape, n, classes, seed);
        int[] labels = new int[n];
        float[] values = new float[n * shape.values()];
        try (Device device = Device.scalar(1); Victim victim = new Victim(model, device, shape(shape), 1)) {
            float[] image = new float[shape.values()];
            for (int i = 0; i < n; i++) {
                data.image(i, image, 0);
                data.image(i, values, i * shape.values());
                labels[i] = victim.predict(image)[0];
            }
        }
        return Dataset.ofUnits("correct", shape, data.classNames(), values, labels);
    }

    static Shape shape(ImageShape shape) {
        return Shape.of(shape.channels(), shape.height(), shape.width());
    }

    static Layer linear(int classes, long seed) {
        return new Sequential(new Flatten(), new Linear(SHAPE.values(), classes, true)).initialize(seed);
    }

    static LinearOracle oracle(Layer linear) {
        return new LinearOracle((Linear) linear.namedLayers().get("1"));
    }

    static Layer network(long seed) {
        return new Sequential(new Conv2d(3, 8, 3, 1, 1, true), new BatchNorm2d(8), new ReLU(), new Conv2d(8, 8, 3, 2, 1, true), new ReLU(),
                new Flatten(), new Linear(8 * 2 * 3, 4, true)).initialize(seed);
    }

    static RobustnessResult evaluate(Layer model, Dataset data, ThreatModel threat, int batchSize, Attack... attacks) {
        return evaluate(model, data, threat, batchSize, 2, attacks);
    }

    static RobustnessResult evaluate(Layer model, Dataset data, ThreatModel threat, int batchSize, int threads, Attack... attacks) {
        try (Device device = Device.scalar(threads)) {
            return new RobustnessEvaluation(List.of(attacks), threat, false, batchSize, 7).run(model, data, device,
                    (name, images, result) -> {
                    });
        }
    }
}
