package dev.normlab.lip.projection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceProjection;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.DenseMatrix;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormException;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.ImageSize;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Adam;
import dev.normlab.nn.optim.AdamOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NormProjectionTest {

    private static final Set<LayerKind> ALL = EnumSet.allOf(LayerKind.class);

    private static Layer randomLayer(Random random, int trial) {
        Layer layer = switch (trial % 6) {
            case 0 -> new Linear(1 + random.nextInt(9), 1 + random.nextInt(9), true);
            case 1 -> new BatchNorm2d(1 + random.nextInt(6));
            case 2 -> transposed(random);
            default -> convolution(random, PadMode.values()[random.nextInt(4)]);
        };
        Layer model = new Sequential(layer).initialize(trial);
        for (Parameter parameter : model.namedParameters().values()) {
            float[] values = new float[parameter.shape().elements()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * 3);
            }
            parameter.set(values);
        }
        return model;
    }

    private static Conv2d convolution(Random random, PadMode mode) {
        Conv2dSizes s = DenseMatrix.randomSizes(random, mode);
        Conv2d conv = new Conv2d(s.c(), s.o(), s.kh(), s.kw(), new Conv2dGeometry(s.strideH(), s.strideW(), s.padTop(), s.padBottom(),
                s.padLeft(), s.padRight(), s.dilationH(), s.dilationW(), s.groups(), mode), false);
        conv.inputSize(new ImageSize(s.h(), s.w()));
        return conv;
    }

    private static ConvTranspose2d transposed(Random random) {
        ConvTranspose2d conv = new ConvTranspose2d(2, 4, 1 + random.nextInt(3), 1 + random.nextInt(3),
                new Conv2dGeometry(1 + random.nextInt(2), 1 + random.nextInt(2), 0, 0, 0, 0, 1, 1, 1 + random.nextInt(2), PadMode.ZERO), 0,
                0,
                false);
        conv.inputSize(new ImageSize(1 + random.nextInt(4), 1 + random.nextInt(4)));
        return conv;
    }

    @Test
    void threeHundredRandomLayersEndInsideTheConstraint() {
        Random random = new Random(300);
        int projected = 0;
        for (int trial = 0; trial < 300; trial++) {
            Layer model = randomLayer(random, trial);
            Norm norm = Norm.values()[random.nextInt(2)];
            double before = LayerNorms.of(model).layers().getFirst().of(norm);
            double r = before * (0.05 + 1.1 * random.nextDouble()) + 1e-6;
            NormProjection.Outcome outcome = new NormProjection(model, new NormProjection.Options(norm, r, ALL)).apply().getFirst();
            double after = LayerNorms.of(model).layers().getFirst().of(norm);
            assertTrue(after <= r * (1 + 1e-12), "trial " + trial + ": " + after + " > " + r);
            assertTrue(outcome.changed() == 0 || after >= r * (1 - 1e-5),
                    "trial " + trial + " moves no further than needed: " + after + " of " + r);
            assertEquals(before > r, outcome.changed() > 0, "trial " + trial);
            projected += outcome.changed() > 0 ? 1 : 0;
        }
        assertTrue(projected > 200, "only " + projected + " layers were outside");
    }

    /// The dense matrix of the projected weights, for convolutions: nothing of our own measures it.
    @Test
    void theMatrixOfAProjectedConvolutionIsInsideAndItsSlicesInsideKeepTheirBits() {
        Random random = new Random(17);
        int kept = 0;
        for (int trial = 0; trial < 200; trial++) {
            Conv2dSizes s = DenseMatrix.randomSizes(random, PadMode.ZERO);
            float[] weight = DenseMatrix.randomWeight(random, s);
            float[] before = weight.clone();
            Norm norm = Norm.values()[random.nextInt(2)];
            SliceNormSizes slices = ConvolutionNorms.slices(s, norm);
            double r = DenseMatrix.of(s, PadMode.ZERO, weight).of(norm) * (0.2 + 0.7 * random.nextDouble());
            int changed = new SliceProjection(slices).project(weight, r);
            assertTrue(DenseMatrix.of(s, PadMode.ZERO, weight).of(norm) <= r * (1 + 1e-12), "trial " + trial);
            int area = s.kh() * s.kw();
            int changedChannels = 0;
            for (int channel = 0; channel < slices.channels(); channel++) {
                boolean same = true;
                for (int i = 0; i < weight.length; i++) {
                    int kernel = i / area;
                    int owner = norm == Norm.LINF
                            ? kernel / s.groupInputs()
                            : kernel / s.groupInputs() / s.groupOutputs() * s.groupInputs() + kernel % s.groupInputs();
                    same &= owner != channel || Float.floatToRawIntBits(weight[i]) == Float.floatToRawIntBits(before[i]);
                }
                changedChannels += same ? 0 : 1;
            }
            assertEquals(changed, changedChannels);
            kept += slices.channels() - changed;
        }
        assertTrue(kept > 100, "channels inside were among them: " + kept);
    }

    /// The reference handles the one maximal slice: three columns at 6, target 1, and the norm stays 6.
    @Test
    void allViolatingSlicesAreProjectedAtOnce() {
        Linear linear = new Linear(3, 2, false);
        Layer model = new Sequential(linear).initialize(1);
        linear.weight().set(4, 2, 3, 2, 4, 3);
        new NormProjection(model, new NormProjection.Options(Norm.L1, 1, ALL)).apply();
        assertArrayEquals(new float[] {1, 0, 0.5f, 0, 1, 0.5f}, linear.weight().tensor().toArray());
    }

    /// The reference projects one channel of batch norm a call: (9, 8, 7) becomes (5, 8, 7).
    @Test
    void allChannelsOfBatchNormAreProjectedAtOnce() {
        BatchNorm2d batchNorm = new BatchNorm2d(4);
        Layer model = new Sequential(batchNorm).initialize(1);
        batchNorm.weight().orElseThrow().set(9, -8, 7, 4);
        new NormProjection(model, new NormProjection.Options(Norm.LINF, 5, ALL)).apply();
        float[] gamma = batchNorm.weight().orElseThrow().tensor().toArray();
        assertArrayEquals(new float[] {5, -5, 5, 4}, gamma, 1e-4f);
        assertEquals(4f, gamma[3]);
    }

    /// A 3x3 kernel on a 2x2 image: rows {0, 1} and {1, 2} overlap, and projecting them one after the other is not nearest.
    @Test
    void overlappingRowsMoveToTheNearestWeightsInside() {
        Conv2d conv = new Conv2d(1, 1, 1, 3, new Conv2dGeometry(1, 1, 0, 0, 1, 1, 1, 1, 1, PadMode.ZERO), false);
        conv.inputSize(new ImageSize(1, 2));
        Layer model = new Sequential(conv).initialize(1);
        conv.weight().set(1, -3, 1);
        NormProjection.Outcome outcome = new NormProjection(model, new NormProjection.Options(Norm.LINF, 2, ALL)).apply().getFirst();
        // minimise (x0-1)² + (x1-3)² + (x2-1)² with x0+x1 <= 2, x1+x2 <= 2: thresholds 2/3, 4/3, 2/3
        assertArrayEquals(new float[] {1 / 3f, -5 / 3f, 1 / 3f}, conv.weight().tensor().toArray(), 1e-6f);
        assertTrue(outcome.nearest());
        assertEquals(4, outcome.before());
    }

    @Test
    void otherBordersAreScaledAndTheOutcomeSaysSo() {
        Conv2d conv = new Conv2d(1, 2, 1, 3, new Conv2dGeometry(1, 1, 0, 0, 1, 1, 1, 1, 1, PadMode.REPLICATE), false);
        conv.inputSize(new ImageSize(1, 4));
        Layer model = new Sequential(conv).initialize(1);
        conv.weight().set(1, 2, 1, 0.25f, 0.5f, 0.25f);
        NormProjection.Outcome outcome = new NormProjection(model, new NormProjection.Options(Norm.LINF, 2, ALL)).apply().getFirst();
        assertFalse(outcome.nearest());
        assertArrayEquals(new float[] {0.5f, 1, 0.5f, 0.25f, 0.5f, 0.25f}, conv.weight().tensor().toArray());
    }

    @Test
    void frozenLayersAreLeftAloneAndNanIsSaid() {
        Linear linear = new Linear(2, 2, false);
        Layer model = new Sequential(linear).initialize(1);
        linear.weight().set(9, 9, 9, Float.NaN);
        NormProjection projection = new NormProjection(model, new NormProjection.Options(Norm.L1, 1, ALL));
        NormException exception = assertThrows(NormException.class, projection::apply);
        assertTrue(exception.getMessage().contains("1 of 4 weights are NaN"), exception.getMessage());
        linear.weight().frozen(true);
        assertEquals(List.of(), projection.apply());
    }

    /// On images of one pixel only the centre tap counts. The third step is a replay, in which the layer does not run.
    @Test
    void imagesOfAnotherSizeAreProjectedByTheirOwnNormsInReplaysToo() {
        float[] eager = projectedOnTwoSizes(true);
        assertArrayEquals(eager, projectedOnTwoSizes(false));
    }

    private static float[] projectedOnTwoSizes(boolean eagerly) {
        Conv2d conv = new Conv2d(1, 1, 3, 1, 1, false);
        Layer model = new Sequential(conv, new AdaptiveAvgPool2d(1, 1), new Flatten(), new Linear(1, 2, true)).initialize(1);
        Tensor labels = Tensor.ofInts(Shape.of(2), 0, 1);
        NormProjection projection = new NormProjection(model, new NormProjection.Options(Norm.LINF, 0.75, EnumSet.of(LayerKind.CONV)));
        try (Device device = Device.scalar(1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Adam(model, AdamOptions.adam(0.05)),
                        List.of(projection), device)) {
            for (int size : new int[] {4, 1, 4}) {
                conv.weight().set(1, 1, 1, 1, 1, 1, 1, 1, 1);
                Tensor x = Tensor.full(0.5f, 2, 1, size, size);
                if (eagerly) {
                    step.runEagerly(x, labels);
                } else {
                    step.run(x, labels);
                }
                assertEquals(new ImageSize(size, size), conv.inputSize().orElseThrow());
                assertTrue(LayerNorms.of(model).layers().getFirst().linf() <= 0.75 * (1 + 1e-12), "on images of " + size);
            }
        }
        return conv.weight().tensor().toArray();
    }

    @Test
    void onlyOtherBordersNeedTheHost() {
        for (PadMode mode : PadMode.values()) {
            Conv2d conv = new Conv2d(1, 2, 3, 3, new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, mode), true);
            Layer model = new Sequential(conv, new BatchNorm2d(2), new Flatten(), new Linear(32, 3, true)).initialize(9);
            NormProjection projection = new NormProjection(model, new NormProjection.Options(Norm.LINF, 0.5, ALL));
            assertEquals(mode != PadMode.ZERO, projection.hostSide(), mode.toString());
            float[] images = new float[4 * 16];
            RandomStream.of(2, "images").fillNormal(images, 0f, 1f);
            try (Device device = Device.cpu(1);
                    TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Adam(model, AdamOptions.adam(0.05)),
                            List.of(projection), device)) {
                for (int k = 0; k < 3; k++) {
                    step.run(Tensor.of(Shape.of(4, 1, 4, 4), images), Tensor.ofInts(Shape.of(4), 0, 1, 2, 0));
                    for (LayerNorms.LayerNorm norm : LayerNorms.of(model).layers()) {
                        assertTrue(norm.linf() <= 0.5 * (1 + 1e-12), mode + ", " + norm.name() + " " + norm.linf());
                    }
                }
            }
        }
    }

    /// The norm without the weights that are not finite would be beyond the radius as well.
    @Test
    void aChannelThatIsNotFiniteKeepsItsBitsAndTheOthersAreProjected() {
        float[] weight = {3, Float.NaN, 4, 4, Float.POSITIVE_INFINITY, 1, 1, 2};
        int changed = new SliceProjection(ConvolutionNorms.linearSlices(4, 2, Norm.LINF)).project(weight, 2);
        assertEquals(2, changed);
        assertArrayEquals(new float[] {3, Float.NaN, 1, 1, Float.POSITIVE_INFINITY, 1, 0.5f, 1.5f}, weight);
    }

    @Test
    void aRadiusThatIsNoneIsRefused() {
        SliceNormSizes slices = ConvolutionNorms.linearSlices(4, 2, Norm.LINF);
        for (double radius : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            String message = assertThrows(IllegalArgumentException.class, () -> SliceLimit.of(slices, radius)).getMessage();
            assertTrue(message.contains("at least 0, but got " + radius), message);
        }
    }

    @Test
    void everyStepOfATrainingWithAnyOptimiserEndsInsideTheConstraint() {
        Layer model = new Sequential(new Conv2d(1, 4, 3, 2, 1, true), new BatchNorm2d(4), new Flatten(), new Linear(16, 3, true))
                .initialize(4);
        float[] images = new float[8 * 16];
        RandomStream.of(1, "images").fillNormal(images, 0f, 1f);
        Tensor x = Tensor.of(Shape.of(8, 1, 4, 4), images);
        Tensor labels = Tensor.ofInts(Shape.of(8), 0, 1, 2, 0, 1, 2, 0, 1);
        NormProjection projection = new NormProjection(model, new NormProjection.Options(Norm.L1, 0.75, ALL));
        try (Device device = Device.scalar(1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Adam(model, AdamOptions.adam(0.05)),
                        List.of(projection), device)) {
            for (int k = 0; k < 5; k++) {
                step.run(x, labels);
                for (LayerNorms.LayerNorm norm : LayerNorms.of(model).layers()) {
                    assertTrue(norm.l1() <= 0.75 * (1 + 1e-12), norm.name() + " " + norm.l1());
                }
            }
        }
    }
}
