package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The l2 norm of transposed convolutions, its bound and its clipping, against their dense matrix, whose columns are the layer's answers to
/// unit images. Output padding makes outputs of other sizes than the smallest one.
class TransposedConvolutionSpectralTest {

    private static ConvTranspose2d randomLayer(Random random) {
        int groups = 1 + random.nextInt(2);
        Conv2dGeometry geometry = new Conv2dGeometry(1 + random.nextInt(3), 1 + random.nextInt(3), random.nextInt(3), random.nextInt(3),
                random.nextInt(3), random.nextInt(3), 1 + random.nextInt(2), 1 + random.nextInt(2), groups, PadMode.ZERO);
        int paddingH = random.nextInt(Math.max(geometry.strideH(), geometry.dilationH()));
        int paddingW = random.nextInt(Math.max(geometry.strideW(), geometry.dilationW()));
        return new ConvTranspose2d(groups * (1 + random.nextInt(2)), groups * (1 + random.nextInt(2)), 1 + random.nextInt(4),
                1 + random.nextInt(4), geometry, paddingH, paddingW, false);
    }

    /// The largest singular value of the layer's answers to all unit images.
    private static double norm(Device device, Layer model, Shape image) {
        int inputs = image.elements();
        float[] units = new float[inputs * inputs];
        for (int i = 0; i < inputs; i++) {
            units[i * inputs + i] = 1;
        }
        float[] answers;
        try (Tape tape = Tape.inference(device)) {
            answers = model.forward(tape, Tensor.of(image.with(0, inputs), units)).toArray();
        }
        int outputs = answers.length / inputs;
        double[][] m = new double[inputs][outputs];
        for (int i = 0; i < answers.length; i++) {
            m[i / outputs][i % outputs] = answers[i];
        }
        return DenseJudge.singularValues(m)[0];
    }

    @Test
    void theEstimateEqualsTheDenseMatrixTheBoundCoversItAndClippingHoldsOnRandomConfigurations() {
        Random random = new Random(20210210);
        int compared = 0;
        int clipped = 0;
        try (Device device = Device.scalar(1)) {
            for (int trial = 0; trial < 300; trial++) {
                ConvTranspose2d layer = randomLayer(random);
                Layer model = new Sequential(layer).initialize(trial);
                layer.weight().set(DenseJudge.gaussian(random, layer.weight().shape().elements()));
                Shape image = Shape.of(1, layer.weight().shape().size(0), 1 + random.nextInt(4), 1 + random.nextInt(4));
                double truth;
                try {
                    truth = norm(device, model, image);
                } catch (ShapeException e) {
                    continue; // more padding than output
                }
                compared++;
                Conv2dSizes s = NormedLayer.of(model).getFirst().convolution().orElseThrow();
                float[] weight = layer.weight().tensor().toArray();
                String message = "trial " + trial + " " + layer.geometry() + " " + layer.weight().shape() + " on " + image;
                double estimate = LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, RandomStream.of(trial, "start"),
                        LargestSingularValue.Options.ACCURATE, device).value();
                assertEquals(truth, estimate, 1e-5 * truth, message);
                assertTrue(L2Bound.ofConvolution(s, weight, device.workers()).value() >= truth * (1 - 1e-13), message);
                ClippingHook.beforeEvaluation(model, 1, Set.of(LayerKind.CONV), SvdMethod.GRAM, ClippedOperator.LAYER, 1).clip(device);
                double after = norm(device, model, image);
                assertTrue(after <= 1 + 1e-7, message + ": " + after);
                clipped += truth > 1 && after > 0.95 ? 1 : 0;
            }
        }
        assertTrue(compared >= 200 && clipped >= 100, compared + " configurations have an output, " + clipped + " were clipped");
    }
}
