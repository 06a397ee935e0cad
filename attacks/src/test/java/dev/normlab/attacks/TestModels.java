package dev.normlab.attacks;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.model.BasicBlock;
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
        return correctImages(TestDevice.SCALAR, model, shape, n, classes, seed);
    }

    static Dataset correctImages(TestDevice on, Layer model, ImageShape shape, int n, int classes, long seed) {
        Dataset data = images(shape, n, classes, seed);
        int[] labels = new int[n];
        float[] values = new float[n * shape.values()];
        try (Device device = on.open(1); Victim victim = new Victim(model, device, shape(shape), 1)) {
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

    /// Twenty channels, batch norm with statistics of its own, residual blocks before and after a maximum.
    static Layer wide(long seed) {
        Layer model = new Sequential(new Conv2d(3, 20, 3, 1, 1, true), new BatchNorm2d(20), new ReLU(), new BasicBlock(20, 20, 1),
                new MaxPool2d(2, 2), new BasicBlock(20, 20, 1), new Flatten(), new Linear(20 * 2 * 2, 4, true)).initialize(seed);
        RandomStream random = RandomStream.of(seed, "statistics");
        model.namedBuffers().forEach((name, buffer) -> {
            if (buffer.dtype() == DType.FLOAT32) {
                float[] values = new float[buffer.shape().elements()];
                random.fillUniform(values, name.endsWith("running_var") ? .2f : -.3f, name.endsWith("running_var") ? .6f : .3f);
                buffer.set(values);
            }
        });
        return model;
    }

    static RobustnessResult evaluate(Layer model, Dataset data, ThreatModel threat, int batchSize, Attack... attacks) {
        return evaluate(model, data, threat, batchSize, 2, attacks);
    }

    static RobustnessResult evaluate(Layer model, Dataset data, ThreatModel threat, int batchSize, int threads, Attack... attacks) {
        return evaluate(TestDevice.SCALAR, model, data, threat, batchSize, threads, attacks);
    }

    static RobustnessResult evaluate(TestDevice on, Layer model, Dataset data, ThreatModel threat, int batchSize, int threads,
            Attack... attacks) {
        try (Device device = on.open(threads)) {
            return new RobustnessEvaluation(List.of(attacks), threat, false, batchSize, 7).run(model, data, device,
                    (name, images, result) -> {
                    });
        }
    }
}
