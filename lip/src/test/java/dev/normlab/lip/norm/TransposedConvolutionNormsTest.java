package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The norms of transposed convolutions against their dense matrix, whose columns are the layer's answers to unit images.
class TransposedConvolutionNormsTest {

    private static ConvTranspose2d randomLayer(Random random) {
        int groups = 1 + random.nextInt(2);
        Conv2dGeometry geometry = new Conv2dGeometry(1 + random.nextInt(3), 1 + random.nextInt(3), random.nextInt(3), random.nextInt(3),
                random.nextInt(3), random.nextInt(3), 1 + random.nextInt(3), 1 + random.nextInt(3), groups, PadMode.ZERO);
        int paddingH = random.nextInt(Math.max(geometry.strideH(), geometry.dilationH()));
        int paddingW = random.nextInt(Math.max(geometry.strideW(), geometry.dilationW()));
        return new ConvTranspose2d(groups * (1 + random.nextInt(2)), groups * (1 + random.nextInt(2)), 1 + random.nextInt(4),
                1 + random.nextInt(4), geometry, paddingH, paddingW, false);
    }

    /// The layer's answers to all unit images, `[inputs, outputs]`.
    private static float[] answers(Device device, Layer model, Shape image) {
        int inputs = image.elements();
        float[] units = new float[inputs * inputs];
        for (int i = 0; i < inputs; i++) {
            units[i * inputs + i] = 1;
        }
        try (Tape tape = Tape.inference(device)) {
            return model.forward(tape, Tensor.of(image.with(0, inputs), units)).toArray();
        }
    }

    @Test
    void bothNormsEqualTheDenseMatrixOnRandomConfigurations() {
        Random random = new Random(20180527);
        int compared = 0;
        try (Device device = Device.scalar(1)) {
            for (int trial = 0; trial < 400; trial++) {
                ConvTranspose2d layer = randomLayer(random);
                Layer model = new Sequential(layer).initialize(trial);
                Shape image = Shape.of(1, layer.weight().shape().size(0), 1 + random.nextInt(4), 1 + random.nextInt(4));
                float[] answers;
                try {
                    answers = answers(device, model, image);
                } catch (ShapeException e) {
                    continue; // more padding than output
                }
                int inputs = image.elements();
                int outputs = answers.length / inputs;
                double[] rows = new double[outputs];
                double[] columns = new double[inputs];
                for (int i = 0; i < answers.length; i++) {
                    columns[i / outputs] += Math.abs(answers[i]);
                    rows[i % outputs] += Math.abs(answers[i]);
                }
                LayerNorms.LayerNorm norms = LayerNorms.of(model).layers().getFirst();
                String message = "trial " + trial + " " + layer.geometry() + " " + layer.weight().shape() + " on " + image;
                assertEquals(largest(columns), norms.l1(), 1e-9, message);
                assertEquals(largest(rows), norms.linf(), 1e-9, message);
                compared++;
            }
        }
        assertTrue(compared >= 300, "only " + compared + " configurations have an output");
    }

    private static double largest(double[] values) {
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, value);
        }
        return largest;
    }
}
