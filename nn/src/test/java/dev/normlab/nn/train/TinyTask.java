package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.List;

/// A small network and small data for tests of training: everything that a step can contain, in milliseconds.
final class TinyTask {

    static final ImageShape SHAPE = new ImageShape(3, 8, 8);
    static final int CLASSES = 3;

    private TinyTask() {}

    /// Convolutions with and without bias, batch norm, pooling, dropout, linear.
    static Layer model(long seed) {
        return new Sequential(new Conv2d(3, 5, 3, 1, 1, true), new BatchNorm2d(5), new ReLU(), new MaxPool2d(2, 2),
                new Conv2d(5, 6, 3, 2, 1, false),
                new BatchNorm2d(6), new ReLU(), new Flatten(), new Dropout(0.25f), new Linear(24, CLASSES, true)).initialize(seed);
    }

    /// Noise in which one of the three colours is brighter: its number is the label.
    static Dataset data(int n, long seed) {
        float[] images = new float[n * SHAPE.values()];
        int[] labels = new int[n];
        RandomStream stream = RandomStream.of(seed, "tiny data");
        stream.fillUniform(images, 0f, 0.7f);
        for (int i = 0; i < n; i++) {
            labels[i] = stream.nextInt(CLASSES);
            int pixels = SHAPE.height() * SHAPE.width();
            int start = i * SHAPE.values() + labels[i] * pixels;
            for (int p = start; p < start + pixels; p++) {
                images[p] += 0.2f;
            }
        }
        return Dataset.ofUnits("tiny", SHAPE, List.of("red", "green", "blue"), images, labels);
    }

    /// Fails unless all parameters and buffers have the same bits.
    static void assertSameBits(Layer expected, Layer actual) {
        assertEquals(expected.stateDict().keySet(), actual.stateDict().keySet());
        expected.stateDict().forEach((name, tensor) -> assertArrayEquals(tensor.toArray(), actual.stateDict().get(name).toArray(), name));
    }
}
