package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Workers;
import dev.normlab.lip.spectral.SingularValueClipping.Options;
import dev.normlab.lip.spectral.SingularValueClipping.Result;
import java.util.EnumSet;
import java.util.Random;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;
import org.junit.jupiter.api.Test;

class SingularValueClippingTest {

    /// `m` with all singular values above the limit replaced by it.
    private static double[][] clipped(double[][] m, double limit) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(m.length, m[0].length, true, true, true);
        assertTrue(svd.decompose(new DMatrixRMaj(m)));
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj vt = svd.getV(null, true);
        double[][] result = new double[m.length][m[0].length];
        for (int k = 0; k < svd.numberOfSingularValues(); k++) {
            double value = Math.min(limit, svd.getSingularValues()[k]);
            for (int i = 0; i < m.length; i++) {
                for (int j = 0; j < m[0].length; j++) {
                    result[i][j] += value * u.get(i, k) * vt.get(k, j);
                }
            }
        }
        return result;
    }

    /// One pass by the definition: the whole matrix is clipped, and every weight becomes the mean of the places where it stands.
    private static double[] densePass(CircularConvolution s, float[] weight, double limit) {
        double[][] m = clipped(DenseJudge.circular(s, weight), limit);
        double[] sums = new double[weight.length];
        int groupInputs = s.c() / s.groups();
        for (int index = 0; index < weight.length; index++) {
            int u = index % s.kw();
            int t = index / s.kw() % s.kh();
            int ic = index / (s.kw() * s.kh()) % groupInputs;
            int io = index / (s.kw() * s.kh() * groupInputs);
            for (int ioh = 0; ioh < s.outputRows(); ioh++) {
                for (int iow = 0; iow < s.outputColumns(); iow++) {
                    int ih = (ioh * s.strideH() + t * s.dilationH()) % s.h();
                    int iw = (iow * s.strideW() + u * s.dilationW()) % s.w();
                    int row = (io * s.outputRows() + ioh) * s.outputColumns() + iow;
                    int column = ((io / (s.o() / s.groups()) * groupInputs + ic) * s.h() + ih) * s.w() + iw;
                    sums[index] += m[row][column] / (s.outputRows() * s.outputColumns());
                }
            }
        }
        return sums;
    }

    @Test
    void onePassEqualsClippingTheWholeMatrixAndAveraging() {
        Random random = new Random(77);
        int compared = 0;
        try (Workers workers = new Workers(1)) {
            for (int trial = 0; trial < 240; trial++) {
                CircularConvolution s = DenseJudge.randomCircular(random, 1 + trial % 3);
                float[] weight = DenseJudge.gaussian(random, DenseJudge.weights(s));
                boolean wraps = (s.kh() - 1) * s.dilationH() >= s.h() || (s.kw() - 1) * s.dilationW() >= s.w();
                if (wraps) {
                    continue; // several weights stand at one place: their sum matters, and the next test looks at it
                }
                double limit = 0.5 * ConvolutionSpectrum.largest(s, weight, workers);
                SvdMethod method = SvdMethod.values()[trial / 3 % 3];
                double[] expected = densePass(s, weight, limit);
                float[] found = SingularValueClipping.circular(s, weight, new Options(limit, 1, 0, false, method), workers).weight();
                for (int i = 0; i < found.length; i++) {
                    assertEquals(expected[i], found[i], 1e-5 * limit, method + " weight " + i + " of " + s);
                }
                compared++;
            }
        }
        assertTrue(compared > 30, compared + " layers were compared");
    }

    /// The paper's single pass destroys the bound when it cuts the kernel off: 2 becomes 2.26.
    @Test
    void repeatedPassesReachTheLimitThatASinglePassMisses() {
        CircularConvolution s = new CircularConvolution(16, 8, 3, 3, 1, 8, 8, 1, 1, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(1), DenseJudge.weights(s));
        try (Workers workers = new Workers(1)) {
            for (double limit : new double[] {2, 1, 0.1}) {
                double single = SingularValueClipping.circular(s, weight, Options.once(limit), workers).after();
                assertTrue(single > 1.1 * limit, "a single pass leaves " + single + " of the limit " + limit);
                Result repeated = SingularValueClipping.circular(s, weight, new Options(limit, 100, 1e-4, false, SvdMethod.GRAM), workers);
                assertTrue(repeated.after() <= limit * (1 + 1e-4), repeated.after() + " of " + limit);
                assertTrue(repeated.passes() > 1 && repeated.passes() <= 50, repeated.passes() + " passes");
                assertEquals(DenseJudge.singularValues(DenseJudge.circular(s, repeated.weight()))[0], repeated.after(), 1e-6 * limit);
            }
        }
    }

    @Test
    void afterRepeatedClippingTheDenseNormIsWithinTheLimitOnRandomLayers() {
        Random random = new Random(300);
        try (Workers workers = new Workers(1)) {
            for (int trial = 0; trial < 300; trial++) {
                CircularConvolution s = DenseJudge.randomCircular(random, 1 + trial % 3);
                float[] weight = DenseJudge.gaussian(random, DenseJudge.weights(s));
                double limit = new double[] {2, 1.5, 1, 0.5, 0.1}[random.nextInt(5)];
                Result result = SingularValueClipping.circular(s, weight, Options.repeat(limit), workers);
                double norm = DenseJudge.singularValues(DenseJudge.circular(s, result.weight()))[0];
                assertTrue(norm <= limit * (1 + 1e-4), "trial " + trial + ": " + norm + " above " + limit + " for " + s);
                assertTrue(result.before() <= limit || norm >= 0.9 * limit, "trial " + trial + ": " + norm + " is far below " + limit);
            }
        }
    }

    @Test
    void aFewPassesAndScalingEndWithinTheLimit() {
        CircularConvolution s = new CircularConvolution(12, 10, 3, 3, 1, 8, 8, 2, 2, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(12), DenseJudge.weights(s));
        try (Workers workers = new Workers(1)) {
            Result result = SingularValueClipping.circular(s, weight, new Options(1, 2, 1e-4, true, SvdMethod.GRAM), workers);
            double norm = DenseJudge.singularValues(DenseJudge.circular(s, result.weight()))[0];
            assertTrue(norm <= 1, norm + " above 1");
            assertEquals(norm, result.after(), 1e-5);
        }
    }

    @Test
    void weightsWithinTheLimitKeepTheirBits() {
        CircularConvolution s = new CircularConvolution(4, 6, 3, 3, 2, 6, 6, 1, 1, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(2), DenseJudge.weights(s));
        try (Workers workers = new Workers(1)) {
            double norm = ConvolutionSpectrum.largest(s, weight, workers);
            assertArrayEquals(weight, SingularValueClipping.circular(s, weight, Options.repeat(1.001 * norm), workers).weight());
            assertArrayEquals(weight, SingularValueClipping.circular(s, weight, Options.once(1.001 * norm), workers).weight());
        }
    }

    /// The reference takes a depthwise kernel for a dense one of one input, whose values are larger than any of the layer's: it clips what
    /// is inside.
    @Test
    void groupsAreClippedOnTheirOwn() {
        CircularConvolution s = new CircularConvolution(3, 3, 1, 1, 3, 4, 4, 1, 1, 1, 1);
        try (Workers workers = new Workers(1)) {
            float[] clipped = SingularValueClipping.circular(s, new float[] {0.9f, -3, 0.8f}, Options.once(1), workers).weight();
            assertArrayEquals(new float[] {0.9f, -1, 0.8f}, clipped, 1e-6f, "as one dense matrix all three would shrink");
        }
    }

    @Test
    void aKernelLargerThanTheImageIsClippedByTheSumsOfItsTaps() {
        CircularConvolution s = new CircularConvolution(2, 2, 5, 3, 1, 3, 2, 1, 1, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(6), DenseJudge.weights(s));
        try (Workers workers = new Workers(1)) {
            Result result = SingularValueClipping.circular(s, weight, Options.once(1), workers);
            assertEquals(1, DenseJudge.singularValues(DenseJudge.circular(s, result.weight()))[0], 1e-5,
                    "the kernel covers the image, so nothing is cut off");
        }
    }

    @Test
    void aMatrixIsReplacedByTheNearestOneWithinTheLimit() {
        Random random = new Random(21);
        for (SvdMethod method : EnumSet.complementOf(EnumSet.of(SvdMethod.EJML_VALUES))) {
            for (int trial = 0; trial < 20; trial++) {
                int rows = 1 + random.nextInt(9);
                int columns = 1 + random.nextInt(9);
                float[] matrix = DenseJudge.gaussian(random, rows * columns);
                double[][] dense = new double[rows][columns];
                for (int i = 0; i < matrix.length; i++) {
                    dense[i / columns][i % columns] = matrix[i];
                }
                double[][] expected = clipped(dense, 0.7);
                Result result = SingularValueClipping.matrix(rows, columns, matrix, 0.7, method);
                for (int i = 0; i < matrix.length; i++) {
                    assertEquals(expected[i / columns][i % columns], result.weight()[i], 1e-6, method + " trial " + trial);
                }
                assertEquals(Math.max(0.7, DenseJudge.singularValues(dense)[0]), result.before(), 1e-9);
            }
        }
    }

    @Test
    void clippingIsBitwiseTheSameForAnyNumberOfThreads() {
        CircularConvolution s = new CircularConvolution(12, 8, 3, 3, 2, 8, 8, 2, 2, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(2), DenseJudge.weights(s));
        try (Workers one = new Workers(1); Workers three = new Workers(3)) {
            assertArrayEquals(SingularValueClipping.circular(s, weight, Options.repeat(1), one).weight(),
                    SingularValueClipping.circular(s, weight, Options.repeat(1), three).weight());
        }
    }

    @Test
    void aLimitThatIsNotPositiveIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Options.once(0));
        assertThrows(IllegalArgumentException.class, () -> Options.repeat(Double.NaN));
    }
}
