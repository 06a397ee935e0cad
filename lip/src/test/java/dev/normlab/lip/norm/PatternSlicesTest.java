package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PatternSlicesTest {

    @ParameterizedTest
    @EnumSource(PadMode.class)
    void bothNormsEqualTheDenseMatrixOnRandomConfigurationsOfEveryPaddingMode(PadMode mode) {
        Random random = new Random(1805);
        for (int trial = 0; trial < 1200; trial++) {
            Conv2dSizes s = DenseMatrix.randomSizes(random, mode);
            float[] weight = DenseMatrix.randomWeight(random, s);
            DenseMatrix matrix = DenseMatrix.of(s, mode, weight);
            for (Norm norm : Norm.values()) {
                double found = PatternSlices.of(s, mode, norm).norm(weight).norm();
                assertEquals(matrix.of(norm), found, 1e-12 * (1 + found), "trial " + trial + " " + mode + " " + norm + " " + s);
            }
        }
    }

    /// The layer as it really acts: its answers to all unit images are the columns of its matrix.
    @ParameterizedTest
    @EnumSource(PadMode.class)
    void theNormsAreThoseOfTheLayerThatTheEngineComputes(PadMode mode) {
        Random random = new Random(7);
        try (Device device = Device.scalar(1)) {
            for (int trial = 0; trial < 25; trial++) {
                Conv2dSizes s = DenseMatrix.randomSizes(random, mode);
                Conv2dGeometry g = new Conv2dGeometry(s.strideH(), s.strideW(), s.padTop(), s.padBottom(), s.padLeft(), s.padRight(),
                        s.dilationH(), s.dilationW(), s.groups(), mode);
                Layer model = new Sequential(new Conv2d(s.c(), s.o(), s.kh(), s.kw(), g, true)).initialize(trial);
                int inputs = s.c() * s.h() * s.w();
                float[] units = new float[(inputs + 1) * inputs];
                for (int i = 0; i < inputs; i++) {
                    units[i * inputs + i] = 1;
                }
                float[] answers;
                try (Tape tape = Tape.inference(device)) {
                    answers = model.forward(tape, Tensor.of(Shape.of(inputs + 1, s.c(), s.h(), s.w()), units)).toArray();
                }
                double l1 = 0;
                int outputs = answers.length / (inputs + 1);
                for (int i = 0; i < inputs; i++) {
                    double sum = 0;
                    for (int j = 0; j < outputs; j++) {
                        sum += Math.abs(answers[i * outputs + j] - answers[inputs * outputs + j]);
                    }
                    l1 = Math.max(l1, sum);
                }
                assertEquals(l1, LayerNorms.of(model).layers().getFirst().l1(), 1e-5 * l1, mode + " trial " + trial);
            }
        }
    }

    /// Three positions, one replicated on each side, taps (1, 1, 0): the first input is read by all taps but the last, twice by the first
    /// output.
    @Test
    void replicatedBordersCanMakeTheColumnSumLargerThanTheSumOfAllTaps() {
        Conv2dGeometry g = new Conv2dGeometry(1, 1, 0, 0, 1, 1, 1, 1, 1, PadMode.REPLICATE);
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 1, 3), Shape.of(1, 1, 1, 3), g);
        float[] weight = {1, 1, 0};
        assertEquals(3, PatternSlices.of(s, PadMode.REPLICATE, Norm.L1).norm(weight).norm());
        assertEquals(2, PatternSlices.of(s, PadMode.REPLICATE, Norm.LINF).norm(weight).norm());
    }

    @Test
    void aLargeCircularConvolutionComparesOneRowPattern() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 2, 32, 32), Shape.of(2, 2, 3, 3), Conv2dGeometry.of(1, 1).withMode(PadMode.CIRCULAR));
        assertEquals(1, PatternSlices.of(s, PadMode.CIRCULAR, Norm.LINF).patternPairs());
    }

    @Test
    void aNanWeightMakesTheNormNan() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 5, 5), Shape.of(2, 1, 3, 3), Conv2dGeometry.of(1, 1).withMode(PadMode.REFLECT));
        float[] weight = new float[18];
        weight[17] = Float.NaN;
        assertTrue(Double.isNaN(PatternSlices.of(s, PadMode.REFLECT, Norm.LINF).norm(weight).norm()));
        assertTrue(Double.isNaN(PatternSlices.of(s, PadMode.REFLECT, Norm.L1).norm(weight).norm()));
    }
}
