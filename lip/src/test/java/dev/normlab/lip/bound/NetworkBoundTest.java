package dev.normlab.lip.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.DenseMatrix;
import dev.normlab.lip.norm.NormException;
import dev.normlab.nn.layer.AvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.layer.SiLU;
import dev.normlab.nn.model.BasicBlock;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.SqueezeExcitation;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class NetworkBoundTest {

    record Case(String name, Layer model, Shape image) {

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> networks() {
        Layer padded = new Sequential(new Conv2d(2, 3, 3, 3, Conv2dGeometry.of(1, 1).withMode(PadMode.REFLECT), true), new SiLU(),
                new Conv2d(3, 2, 3, 3, new Conv2dGeometry(2, 2, 1, 2, 1, 0, 1, 1, 1, PadMode.CIRCULAR), true), new BatchNorm2d(2),
                new ReLU(),
                new Conv2d(2, 2, 3, 3, Conv2dGeometry.of(1, 1).withMode(PadMode.REPLICATE), true), new AvgPool2d(2, 1), new Flatten(),
                new Linear(12, 3, true));
        Layer pools = new Sequential(new Conv2d(2, 4, 3, 3, Conv2dGeometry.of(1, 1, 2), true), new ReLU(),
                new MaxPool2d(Pool2dGeometry.of(3, 2, 1)), new ConvTranspose2d(4, 2, 3, 2, 1, true),
                new AvgPool2d(Pool2dGeometry.of(3, 2, 1)), new Flatten(), new Linear(18, 3, true));
        Layer residual = new Sequential(new BasicBlock(2, 4, 2), new BasicBlock(4, 4, 1), new Flatten(), new Linear(36, 3, true));
        Layer gates = new Sequential(new Conv2d(2, 4, 3, 1, 1, true), new ReLU(), new SqueezeExcitation(4, 2), new Flatten(),
                new Linear(4 * 36, 3, true));
        Shape small = Shape.of(1, 2, 6, 6);
        Shape whole = Shape.of(1, 3, 32, 32);
        return Stream.of(new Case("other borders", padded, small), new Case("pools", pools, small), new Case("residual", residual, small),
                new Case("gates", gates, small), new Case("senet18", Models.create("senet18:width=0.0625", 1), whole),
                new Case("resnet18", Models.create("resnet18:width=0.0625", 1), whole),
                new Case("vgg11", Models.create("vgg11:width=0.0625", 1), whole));
    }

    /// Random weights everywhere, batch norm's statistics and shifts included.
    private static void randomize(Layer model, Random random) {
        model.initialize(random.nextInt());
        for (Map.Entry<String, Parameter> entry : model.namedParameters().entrySet()) {
            if (entry.getValue().shape().rank() == 1) {
                entry.getValue().set(random(random, entry.getValue().shape().elements(), -1, 1));
            }
        }
        for (Map.Entry<String, Tensor> entry : model.namedBuffers().entrySet()) {
            boolean variance = entry.getKey().endsWith("running_var");
            entry.getValue().set(random(random, entry.getValue().shape().elements(), variance ? 0.1f : -1, 1));
        }
        model.eval();
    }

    private static float[] random(Random random, int count, float low, float high) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = low + (high - low) * random.nextFloat();
        }
        return values;
    }

    private static float[] logits(Device device, Layer model, Shape image, float[] values) {
        try (Tape tape = Tape.inference(device)) {
            return model.forward(tape, Tensor.of(image, values)).toArray();
        }
    }

    /// The Jacobian's rows, one backward pass for each logit.
    private static float[][] jacobian(Device device, Layer model, Shape image, float[] values, int logits) {
        float[][] rows = new float[logits][];
        for (int k = 0; k < logits; k++) {
            Tensor x = Tensor.of(image, values);
            try (Tape tape = Tape.eager(device, List.of(x))) {
                Tensor chosen = Arrangement.slice(tape, model.forward(tape, x), 1, k, 1);
                rows[k] = tape.backward(Reductions.sum(tape, chosen, false)).of(x).toArray();
            }
        }
        return rows;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void theBoundIsNeverBelowMeasuredRatiosNorTrueJacobians(Case network) {
        Random random = new Random(network.name.hashCode());
        randomize(network.model, random);
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(network.model, network.image, NetworkBound.Box.PIXELS, SpectralBound::byExactNorms,
                    device);
            for (int trial = 0; trial < 4; trial++) {
                float[] x = random(random, network.image.elements(), 0, 1);
                float[] y = trial % 2 == 0 ? random(random, x.length, 0, 1) : nearby(random, x);
                double[] ratio = ratios(logits(device, network.model, network.image, x), logits(device, network.model, network.image, y), x,
                        y);
                assertBelow(ratio, found.bound());
                float[][] rows = jacobian(device, network.model, network.image, x,
                        Math.min(3, logits(device, network.model, network.image, x).length));
                assertBelow(norms(rows), found.bound());
            }
        }
    }

    private static float[] nearby(Random random, float[] x) {
        float[] y = x.clone();
        int i = random.nextInt(y.length);
        y[i] = y[i] > 0.5f ? y[i] - 0.25f : y[i] + 0.25f;
        return y;
    }

    private static void assertBelow(double[] measured, PNorms bound) {
        assertTrue(measured[0] <= bound.l1() * (1 + 1e-4), "l1: " + measured[0] + " > " + bound);
        assertTrue(measured[1] <= bound.l2() * (1 + 1e-4), "l2: " + measured[1] + " > " + bound);
        assertTrue(measured[2] <= bound.linf() * (1 + 1e-4), "linf: " + measured[2] + " > " + bound);
    }

    private static double[] ratios(float[] fx, float[] fy, float[] x, float[] y) {
        double[] above = distances(fx, fy);
        double[] below = distances(x, y);
        return new double[] {above[0] / below[0], above[1] / below[1], above[2] / below[2]};
    }

    private static double[] distances(float[] a, float[] b) {
        double[] result = new double[3];
        for (int i = 0; i < a.length; i++) {
            double d = Math.abs((double) a[i] - b[i]);
            result[0] += d;
            result[1] += d * d;
            result[2] = Math.max(result[2], d);
        }
        result[1] = Math.sqrt(result[1]);
        return result;
    }

    /// l1, the largest row norm (a lower bound of l2), and linf of some rows of a Jacobian.
    private static double[] norms(float[][] rows) {
        double[] result = new double[3];
        double[] columns = new double[rows[0].length];
        for (float[] row : rows) {
            double[] own = distances(row, new float[row.length]);
            result[1] = Math.max(result[1], own[1]);
            result[2] = Math.max(result[2], own[0]);
            for (int i = 0; i < row.length; i++) {
                columns[i] += Math.abs(row[i]);
                result[0] = Math.max(result[0], columns[i]);
            }
        }
        return result;
    }

    @Test
    void everyLayersModeIsBroughtBack() {
        Layer model = new Sequential(new Conv2d(1, 2, 3, 1, 1, true), new BatchNorm2d(2), new ReLU(), new Flatten(), new Linear(8, 2, true))
                .initialize(1);
        model.namedLayers().get("1").eval();
        try (Device device = Device.scalar(1)) {
            NetworkBound.of(model, Shape.of(1, 1, 2, 2), NetworkBound.Box.PIXELS, SpectralBound.guaranteed(device.workers()), device);
        }
        assertTrue(model.isTraining() && model.namedLayers().get("4").isTraining());
        assertFalse(model.namedLayers().get("1").isTraining(), "a frozen layer stays frozen");
    }

    /// Positive weights with equal row sums: the constant input attains the norm of every layer at once, so that the product is the truth.
    @Test
    void onAlignedLinearChainsTheBoundIsTheTruth() {
        Linear first = new Linear(2, 2, true);
        Linear second = new Linear(2, 2, true);
        Layer model = new Sequential(new Conv2d(1, 1, 1, 1, 0, false), new Flatten(), first, second).initialize(1);
        model.namedParameters().get("0.weight").set(-2);
        first.weight().set(1, 3, 2, 2);
        second.weight().set(0.5f, 1, 1, 0.5f);
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(model, Shape.of(1, 1, 1, 2), NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
            assertEquals(2 * 4 * 1.5, found.bound().linf(), 1e-12);
            float[] fx = logits(device, model, Shape.of(1, 1, 1, 2), new float[] {1, 1});
            float[] fy = logits(device, model, Shape.of(1, 1, 1, 2), new float[] {0, 0});
            assertEquals(found.bound().linf(), distances(fx, fy)[2], 1e-5);
            assertFalse(found.hasGates());
            assertEquals(found.bound(), found.gatesHeld());
            assertEquals(List.of("0.weight", "2.weight", "3.weight"), found.steps().stream().map(NetworkBound.Step::weight).toList());
        }
    }

    /// `x + f(x)`.
    private static final class Residual extends Layer {

        private final Layer branch;

        Residual(Layer branch) {
            this.branch = child("branch", branch);
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return Arithmetic.add(tape, x, branch.forward(tape, x));
        }
    }

    /// Symmetric positive weights of which the constant vector is the first singular vector: it attains the l2 norm of every layer at once,
    /// and that of `I + W`, so that the bound is the truth. Its entries are no short binary fractions.
    private static float[] aligned(int n, float beside, float on) {
        float[] weight = new float[n * n];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = i / n == i % n ? on : beside;
        }
        return weight;
    }

    @Test
    void onAlignedResidualChainsTheGuaranteedBoundIsTheTruth() {
        int n = 6;
        Layer model = new Sequential(new Flatten(), new Residual(new Sequential(new Linear(n, n, true), new ReLU())),
                new Residual(new Linear(n, n, false)), new Linear(n, n, true)).initialize(1);
        double truth = 1;
        for (String name : List.of("1.branch.0.weight", "2.branch.weight", "3.weight")) {
            float beside = 0.1f * (1 + name.length() % 3);
            model.namedParameters().get(name).set(aligned(n, beside, 0.7f));
            double norm = 0.7f + (n - 1) * (double) beside;
            truth *= name.contains("branch") ? 1 + norm : norm;
        }
        Shape image = Shape.of(1, 1, 2, 3);
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(model, image, NetworkBound.Box.PIXELS, SpectralBound.guaranteed(device.workers()), device);
            assertTrue(found.bound().l2() >= truth * (1 - 1e-14) && found.bound().l2() <= truth * (1 + 1e-10),
                    found.bound() + " for " + truth);
            float[] fx = logits(device, model, image, new float[] {1, 1, 1, 1, 1, 1});
            float[] fy = logits(device, model, image, new float[] {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f});
            double attained = distances(fx, fy)[1] / (0.5 * Math.sqrt(n));
            assertEquals(truth, attained, 1e-5 * truth, "two images attain it");
        }
    }

    /// The scaled weights are rounded to single precision, and the bound covers what that takes, for weights of any magnitude.
    @ParameterizedTest
    @EnumSource(PadMode.class)
    void batchNormTakenTogetherWithAConvolutionIsBoundedRoundingIncluded(PadMode mode) {
        Random random = new Random(7);
        Shape image = Shape.of(1, 2, 3, 3);
        try (Device device = Device.scalar(1)) {
            for (int trial = 0; trial < 60; trial++) {
                Conv2d conv = new Conv2d(2, 3, 3, 3, Conv2dGeometry.of(1, 1).withMode(mode), false);
                BatchNorm2d batchNorm = new BatchNorm2d(3);
                Layer model = new Sequential(conv, batchNorm);
                randomize(model, random);
                float[] weight = conv.weight().tensor().toArray();
                for (int i = 0; i < weight.length; i++) {
                    weight[i] = Math.scalb(weight[i], trial % 3 == 2 ? -143 : 0);
                }
                conv.weight().set(weight);
                NetworkBound found = NetworkBound.of(model, image, NetworkBound.Box.PIXELS, SpectralBound.guaranteed(device.workers()),
                        device);
                double[][] rows = DenseMatrix.of(Convolution.sizes(image, conv.weight().shape(), conv.geometry()), mode, weight).rows();
                for (int i = 0; i < rows.length; i++) {
                    int channel = i / 9;
                    double scale = batchNorm.weight().orElseThrow().tensor().toArray()[channel]
                            / Math.sqrt((double) batchNorm.runningVar().orElseThrow().toArray()[channel] + 1e-5f);
                    rows[i] = Arrays.stream(rows[i]).map(value -> value * scale).toArray();
                }
                assertTrue(SpectralBoundTest.largestSingularValue(rows) <= found.bound().l2(), mode + " trial " + trial);
                assertTrue(largestRowSum(rows) <= found.bound().linf(), mode + " trial " + trial);
            }
        }
    }

    private static double largestRowSum(double[][] rows) {
        return Arrays.stream(rows).mapToDouble(row -> Arrays.stream(row).map(Math::abs).sum()).max().orElse(0);
    }

    @Test
    void batchNormIsTakenTogetherWithTheConvolutionBeforeIt() {
        BatchNorm2d batchNorm = new BatchNorm2d(2);
        Conv2d conv = new Conv2d(1, 2, 1, 1, 0, false);
        Layer model = new Sequential(conv, batchNorm).initialize(1);
        conv.weight().set(10, 0.1f);
        batchNorm.weight().orElseThrow().set(0.1f, 10);
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(model, Shape.of(1, 1, 2, 2), NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
            assertEquals(1, found.bound().linf(), 1e-4, "and not the product 100 of both norms");
            assertEquals(2, found.bound().l1(), 1e-4);
        }
    }

    @Test
    void gatesHeldStillGiveTheSmallerBoundAndAreReportedApart() {
        Layer model = new Sequential(new Conv2d(2, 4, 3, 1, 1, true), new SqueezeExcitation(4, 2)).initialize(3);
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(model, Shape.of(1, 2, 6, 6), NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
            assertTrue(found.hasGates());
            assertTrue(found.gatesHeld().l2() < found.bound().l2());
            assertTrue(found.gatesHeld().linf() <= found.steps().getFirst().factor().linf(), "a gate is at most 1");
        }
    }

    /// The sums of four pixels reach to 4, where the gate rises fastest.
    @Test
    void averagesWithADivisorOfTheirOwnHaveTheirOwnRange() {
        Pool2dGeometry sums = new Pool2dGeometry(2, 2, 2, 2, 0, 0, 1, 1, false, true, 1);
        Layer model = new Sequential(new AvgPool2d(sums), new SqueezeExcitation(1, 1), new Flatten());
        model.eval();
        Map<String, Parameter> parameters = model.namedParameters();
        parameters.get("1.se1.weight").set(1);
        parameters.get("1.se1.bias").set(0);
        parameters.get("1.se2.weight").set(10);
        parameters.get("1.se2.bias").set(-38);
        Shape image = Shape.of(1, 1, 2, 2);
        float[] most = {1, 1, 1, 1};
        try (Device device = Device.scalar(1)) {
            NetworkBound found = NetworkBound.of(model, image, NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
            double steepest = 0;
            for (float moved = 0.5f; moved < 1; moved += 0.0625f) {
                float[] less = {moved, 1, 1, 1};
                double difference = logits(device, model, image, most)[0] - logits(device, model, image, less)[0];
                steepest = Math.max(steepest, difference / (1 - moved));
            }
            assertTrue(steepest <= found.bound().l1(), steepest + " above " + found.bound());
        }
    }

    @Test
    void anOperationWithoutABoundIsNamed() {
        Layer model = new Layer() {

            @Override
            protected Tensor compute(Tape tape, Tensor x) {
                return Arithmetic.exp(tape, x);
            }
        };
        try (Device device = Device.scalar(1)) {
            NormException exception = assertThrows(NormException.class, () -> NetworkBound.of(model, Shape.of(1, 1, 2, 2),
                    NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device));
            assertTrue(exception.getMessage().contains("EXP has no largest slope"), exception.getMessage());
        }
    }
}
