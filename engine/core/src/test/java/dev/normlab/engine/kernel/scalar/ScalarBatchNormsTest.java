package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.tensor.Storage;
import org.junit.jupiter.api.Test;

class ScalarBatchNormsTest {

    private static final float EPS = 1e-5f;
    private final BatchNormKernels batchNorms = new ScalarKernels().batchNorms();

    /// The definition in double: statistics of each channel of `[n, c, pixels]`, then the normalised values.
    private static double[] normalised(BatchNormSizes s, double[] x, double[] mean, double[] var) {
        double[] y = new double[x.length];
        for (int ic = 0; ic < s.c(); ic++) {
            double sum = 0, squares = 0;
            for (int i = 0; i < x.length; i++) {
                if (i / s.pixels() % s.c() == ic) {
                    sum += x[i];
                    squares += x[i] * x[i];
                }
            }
            mean[ic] = sum / s.count();
            var[ic] = squares / s.count() - mean[ic] * mean[ic];
            for (int i = 0; i < x.length; i++) {
                if (i / s.pixels() % s.c() == ic) {
                    y[i] = (x[i] - mean[ic]) / Math.sqrt(var[ic] + s.eps());
                }
            }
        }
        return y;
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    @Test
    void trainingNormalisesByTheBiasedStatisticsOfTheBatch() {
        for (BatchNormSizes s : new BatchNormSizes[] {new BatchNormSizes(3, 5, 6, EPS), new BatchNormSizes(7, 3, 1, EPS),
            new BatchNormSizes(1, 2, 4, 0.1f)}) {
            Storage x = random(1, s.n(), s.c(), s.pixels()), weight = random(2, s.c()), bias = random(3, s.c());
            Storage y = output(s.n(), s.c(), s.pixels()), mean = output(s.c()), var = output(s.c());
            double[] expectedMean = new double[s.c()], expectedVar = new double[s.c()];
            double[] expected = normalised(s, doubles(x.floats()), expectedMean, expectedVar);

            batchNorms.batchNormTrain(s, x, null, null, y, mean, var, WORKSPACE);
            assertClose(expected, y.floats(), 1e-6, "without affine parameters, " + s);
            assertClose(expectedMean, mean.floats(), 1e-7, "mean, " + s);
            assertClose(expectedVar, var.floats(), 1e-7, "variance, " + s);

            batchNorms.batchNormTrain(s, x, weight, bias, y, mean, var, WORKSPACE);
            for (int i = 0; i < expected.length; i++) {
                int ic = i / s.pixels() % s.c();
                expected[i] = expected[i] * weight.floats()[ic] + bias.floats()[ic];
            }
            assertClose(expected, y.floats(), 1e-6, "with affine parameters, " + s);
        }
    }

    @Test
    void evaluationNormalisesByTheGivenStatistics() {
        BatchNormSizes s = new BatchNormSizes(1, 2, 2, 0.75f);
        Storage y = output(1, 2, 2);
        batchNorms.batchNormEval(s, vector(1, 2, 3, 4), vector(2, -1), vector(0.5f, 0), vector(1, 2), vector(0.25f, 3.25f), y, WORKSPACE);
        assertArrayEquals(new float[] {0.5f, 2.5f, -0.5f, -1f}, y.floats());

        Storage dx = output(1, 2, 2);
        batchNorms.batchNormEvalBackwardInput(s, vector(1, 2, 3, 4), vector(2, -1), vector(0.25f, 3.25f), dx, WORKSPACE);
        assertArrayEquals(new float[] {2f, 4f, -1.5f, -2f}, dx.floats());
        batchNorms.batchNormEvalBackwardInput(s, vector(1, 2, 3, 4), null, vector(0.25f, 3.25f), dx, WORKSPACE);
        assertArrayEquals(new float[] {1f, 2f, 1.5f, 2f}, dx.floats());
    }

    /// Central differences of L(x, weight, bias) = sum g * y in double, whose error is about 1e-9 here.
    @Test
    void trainingGradientsAreTheSlopesOfTheDefinition() {
        BatchNormSizes s = new BatchNormSizes(3, 2, 4, EPS);
        Storage x = random(4, 3, 2, 4), g = random(5, 3, 2, 4), weight = random(6, 2);
        Storage y = output(3, 2, 4), mean = output(2), var = output(2), dWeight = output(2), dBias = output(2), dx = output(3, 2, 4);
        batchNorms.batchNormTrain(s, x, weight, null, y, mean, var, WORKSPACE);
        batchNorms.batchNormBackwardParameters(s, x, g, mean, var, dWeight, dBias, WORKSPACE);
        batchNorms.batchNormTrainBackwardInput(s, x, g, weight, mean, var, dWeight, dBias, dx, WORKSPACE);

        double[] values = doubles(x.floats());
        double[] slopes = new double[values.length];
        double h = 1e-5;
        for (int i = 0; i < values.length; i++) {
            double kept = values[i];
            values[i] = kept + h;
            double above = loss(s, values, weight.floats(), g.floats());
            values[i] = kept - h;
            slopes[i] = (above - loss(s, values, weight.floats(), g.floats())) / (2 * h);
            values[i] = kept;
        }
        assertClose(slopes, dx.floats(), 2e-6, "dx");

        double[] normalised = normalised(s, values, new double[2], new double[2]);
        double[] expectedWeight = new double[2], expectedBias = new double[2];
        for (int i = 0; i < normalised.length; i++) {
            expectedWeight[i / 4 % 2] += g.floats()[i] * normalised[i];
            expectedBias[i / 4 % 2] += g.floats()[i];
        }
        assertClose(expectedWeight, dWeight.floats(), 1e-6, "dWeight");
        assertClose(expectedBias, dBias.floats(), 1e-6, "dBias");
    }

    private static double loss(BatchNormSizes s, double[] x, float[] weight, float[] g) {
        double[] y = normalised(s, x, new double[s.c()], new double[s.c()]);
        double sum = 0;
        for (int i = 0; i < y.length; i++) {
            sum += g[i] * weight[i / s.pixels() % s.c()] * y[i];
        }
        return sum;
    }

    @Test
    void runningStatisticsBlendInTheUnbiasedVariance() {
        Storage runningMean = vector(1f, -2f), runningVar = vector(1f, 4f);
        batchNorms.updateRunningStatistics(4, 0.25f, vector(3f, 2f), vector(0.75f, 3f), runningMean, runningVar);
        // 0.75 * old + 0.25 * new, with the variance times 4 / 3
        assertArrayEquals(new float[] {1.5f, -1f}, runningMean.floats());
        assertArrayEquals(new float[] {1f, 4f}, runningVar.floats());
    }

    @Test
    void oneValuePerChannelHasVarianceZero() {
        BatchNormSizes s = new BatchNormSizes(1, 2, 1, EPS);
        Storage y = output(1, 2), mean = output(2), var = output(2);
        batchNorms.batchNormTrain(s, vector(5f, -3f), null, vector(1f, 2f), y, mean, var, WORKSPACE);
        assertArrayEquals(new float[] {1f, 2f}, y.floats());
        assertArrayEquals(new float[] {5f, -3f}, mean.floats());
        assertArrayEquals(new float[] {0f, 0f}, var.floats());
    }

    @Test
    void anEmptyBatchIsNormalisedToNothing() {
        BatchNormSizes s = new BatchNormSizes(0, 2, 4, EPS);
        Storage mean = output(2), var = output(2), y = output(0, 2, 4), dWeight = output(2), dBias = output(2);
        batchNorms.batchNormTrain(s, random(7, 0, 2, 4), null, null, y, mean, var, WORKSPACE);
        assertEquals(0, y.floats().length);
        batchNorms.batchNormBackwardParameters(s, random(7, 0, 2, 4), y, vector(0, 0), vector(1, 1), dWeight, dBias, WORKSPACE);
        assertArrayEquals(new float[2], dWeight.floats());
        assertArrayEquals(new float[2], dBias.floats());
    }
}
