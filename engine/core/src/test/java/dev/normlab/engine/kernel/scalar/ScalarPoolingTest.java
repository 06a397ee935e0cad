package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertAdjoint;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.PoolingKernels;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScalarPoolingTest {

    private final PoolingKernels pooling = new ScalarKernels().pooling();

    /// With PyTorch's output size; in ceil mode the last window must start inside the image or its left padding.
    private static Pool2dSizes sizes(int n, int c, int h, int w, int kernel, int stride, int pad, int dilation, boolean ceil,
            boolean countPad, int divisor) {
        int oh = outputs(h, kernel, stride, pad, dilation, ceil), ow = outputs(w, kernel, stride, pad, dilation, ceil);
        return new Pool2dSizes(n, c, h, w, kernel, kernel, stride, stride, pad, pad, dilation, dilation, oh, ow, countPad, divisor);
    }

    private static int outputs(int size, int kernel, int stride, int pad, int dilation, boolean ceil) {
        int room = size + 2 * pad - dilation * (kernel - 1) - 1;
        if (!ceil) {
            return room / stride + 1;
        }
        int outputs = (room + stride - 1) / stride + 1;
        return (outputs - 1) * stride >= size + pad ? outputs - 1 : outputs;
    }

    private static List<Pool2dSizes> cases() {
        return List.of(sizes(2, 3, 4, 6, 2, 2, 0, 1, false, true, 0), sizes(1, 2, 5, 7, 3, 2, 1, 1, false, true, 0),
                sizes(1, 2, 6, 6, 3, 2, 1, 1, true, true, 0), sizes(1, 2, 6, 7, 3, 2, 1, 1, true, false, 0), sizes(1, 1, 7, 8, 3, 1, 1, 2,
                        false, true, 0),
                sizes(2, 1, 5, 5, 2, 2, 1, 1, true, false, 0), sizes(1, 1, 4, 4, 4, 4, 0, 1, false, true, 3), sizes(1, 3, 1, 1, 3, 1, 1, 1,
                        false, false, 0),
                sizes(0, 3, 4, 4, 2, 2, 0, 1, false, true, 0), sizes(1, 2, 6, 5, 3, 3, 0, 1, true, true, 0));
    }

    @Test
    void theMaximumIsTheLargestValueUnderTheWindow() {
        for (Pool2dSizes s : cases()) {
            Storage x = random(1, s.inputShape().toArray()), y = output(s.outputShape().toArray());
            Storage positions = output(s.outputShape().toArray());
            pooling.maxPoolForward(s, x, y, positions, WORKSPACE);
            for (int i = 0; i < y.shape().elements(); i++) {
                double expected = Double.NEGATIVE_INFINITY;
                for (int ih = 0; ih < s.h(); ih++) {
                    for (int iw = 0; iw < s.w(); iw++) {
                        if (isUnderWindow(s, i, ih, iw)) {
                            expected = Math.max(expected, x.floats()[(i / (s.oh() * s.ow()) * s.h() + ih) * s.w() + iw]);
                        }
                    }
                }
                assertEquals(expected, y.floats()[i], s + " output " + i);
                assertEquals(y.floats()[i], x.floats()[i / (s.oh() * s.ow()) * s.h() * s.w() + (int) positions.floats()[i]], s + " index of output "
                        + i);
            }
        }
    }

    private static boolean isUnderWindow(Pool2dSizes s, int output, int ih, int iw) {
        int rows = ih + s.padH() - output / s.ow() % s.oh() * s.strideH();
        int columns = iw + s.padW() - output % s.ow() * s.strideW();
        return rows >= 0 && columns >= 0 && rows % s.dilationH() == 0 && columns % s.dilationW() == 0 && rows / s.dilationH() < s.kh()
                && columns / s.dilationW() < s.kw();
    }

    @Test
    void onTiesTheFirstMaximumGetsTheGradient() {
        Pool2dSizes s = sizes(1, 1, 2, 4, 2, 2, 0, 1, false, true, 0);
        Storage x = floats(Shape.of(1, 1, 2, 4), 1, 3, 0, 0, 3, 3, 0, 0), y = output(1, 1, 1, 2), positions = output(1, 1, 1, 2);
        pooling.maxPoolForward(s, x, y, positions, WORKSPACE);
        assertArrayEquals(new float[] {3, 0}, y.floats());
        assertArrayEquals(new float[] {1, 2}, positions.floats());
        Storage dx = output(1, 1, 2, 4);
        pooling.maxPoolBackward(s, floats(Shape.of(1, 1, 1, 2), 5, 7), positions, dx, WORKSPACE);
        assertArrayEquals(new float[] {0, 5, 7, 0, 0, 0, 0, 0}, dx.floats());
    }

    @Test
    void theFirstNanWinsAndMinusInfinityHasAnIndex() {
        Pool2dSizes s = sizes(1, 1, 2, 4, 2, 2, 0, 1, false, true, 0);
        float nan = Float.NaN, low = Float.NEGATIVE_INFINITY;
        Storage x = floats(Shape.of(1, 1, 2, 4), 9, nan, low, low, nan, 10, low, low), y = output(1, 1, 1, 2), positions = output(1, 1, 1,
                2);
        pooling.maxPoolForward(s, x, y, positions, WORKSPACE);
        assertArrayEquals(new float[] {nan, low}, y.floats());
        assertArrayEquals(new float[] {1, 2}, positions.floats());
    }

    @Test
    void aWindowThatMeetsNoInputHasNoMaximumAndPassesNoGradient() {
        // taps at -1 and 1 of an image of one pixel
        Pool2dSizes s = sizes(1, 1, 1, 1, 2, 1, 1, 2, false, true, 0);
        Storage y = output(1, 1, 1, 1), positions = output(1, 1, 1, 1), dx = output(1, 1, 1, 1);
        pooling.maxPoolForward(s, floats(Shape.of(1, 1, 1, 1), 4), y, positions, WORKSPACE);
        assertEquals(Float.NEGATIVE_INFINITY, y.floats()[0]);
        assertEquals(-1, positions.floats()[0]);
        pooling.maxPoolBackward(s, floats(Shape.of(1, 1, 1, 1), 4), positions, dx, WORKSPACE);
        assertArrayEquals(new float[] {0}, dx.floats());
    }

    @Test
    void overlappingWindowsAddTheirGradients() {
        Pool2dSizes s = sizes(1, 1, 3, 3, 2, 1, 0, 1, false, true, 0);
        Storage x = floats(Shape.of(1, 1, 3, 3), 0, 0, 0, 0, 9, 0, 0, 0, 0), y = output(1, 1, 2, 2), positions = output(1, 1, 2, 2),
                dx = output(1, 1, 3, 3);
        pooling.maxPoolForward(s, x, y, positions, WORKSPACE);
        pooling.maxPoolBackward(s, floats(Shape.of(1, 1, 2, 2), 1, 2, 3, 4), positions, dx, WORKSPACE);
        assertArrayEquals(new float[] {0, 0, 0, 0, 10, 0, 0, 0, 0}, dx.floats());
    }

    @Test
    void theAverageDividesByTheWindowInsideThePaddedImage() {
        for (Pool2dSizes s : cases()) {
            Storage x = random(2, s.inputShape().toArray()), y = output(s.outputShape().toArray());
            double[] expected = new double[s.outputShape().elements()];
            for (int i = 0; i < expected.length; i++) {
                int padded = 0, inside = 0;
                for (int ih = -s.padH(); ih < s.h() + s.padH(); ih++) {
                    for (int iw = -s.padW(); iw < s.w() + s.padW(); iw++) {
                        boolean real = ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w();
                        if (isUnderWindow(s, i, ih, iw)) {
                            padded++;
                            inside += real ? 1 : 0;
                            expected[i] += real ? x.floats()[(i / (s.oh() * s.ow()) * s.h() + ih) * s.w() + iw] : 0;
                        }
                    }
                }
                expected[i] /= s.divisorOverride() != 0 ? s.divisorOverride() : s.countIncludePad() ? padded : inside;
            }
            pooling.averagePoolForward(s, x, y, WORKSPACE);
            assertClose(expected, y.floats(), 1e-7, s.toString());
        }
    }

    @Test
    void averagesAndTheirGradientsAreAdjoint() {
        for (Pool2dSizes s : cases()) {
            Storage x = random(3, s.inputShape().toArray()), g = random(4, s.outputShape().toArray());
            Storage y = output(s.outputShape().toArray()), dx = output(s.inputShape().toArray());
            pooling.averagePoolForward(s, x, y, WORKSPACE);
            pooling.averagePoolBackward(s, g, dx, WORKSPACE);
            assertAdjoint(x.floats(), y.floats(), g.floats(), dx.floats(), s.kh() * s.kw(), s.toString());
        }
    }

    @Test
    void anAdaptiveAverageOverlapsWhereTheSizesDoNotDivide() {
        // columns 0..1, 1..3 and 3..4 of five
        AdaptivePoolSizes s = new AdaptivePoolSizes(1, 1, 1, 5, 1, 3);
        Storage y = output(1, 1, 1, 3), dx = output(1, 1, 1, 5);
        pooling.adaptiveAveragePoolForward(s, floats(Shape.of(1, 1, 1, 5), 1, 2, 4, 6, 8), y, WORKSPACE);
        assertArrayEquals(new float[] {1.5f, 4f, 7f}, y.floats());
        pooling.adaptiveAveragePoolBackward(s, floats(Shape.of(1, 1, 1, 3), 2, 3, 4), dx, WORKSPACE);
        assertArrayEquals(new float[] {1f, 2f, 1f, 3f, 2f}, dx.floats());
    }

    @Test
    void adaptiveAveragesAndTheirGradientsAreAdjoint() {
        int[][] sizes = {{4, 4, 1, 1}, {7, 5, 3, 2}, {1, 1, 1, 1}, {2, 3, 5, 7}, {8, 8, 4, 2}};
        for (int[] size : sizes) {
            AdaptivePoolSizes s = new AdaptivePoolSizes(2, 3, size[0], size[1], size[2], size[3]);
            Storage x = random(5, 2, 3, size[0], size[1]), g = random(6, 2, 3, size[2], size[3]);
            Storage y = output(2, 3, size[2], size[3]), dx = output(2, 3, size[0], size[1]);
            pooling.adaptiveAveragePoolForward(s, x, y, WORKSPACE);
            pooling.adaptiveAveragePoolBackward(s, g, dx, WORKSPACE);
            assertAdjoint(x.floats(), y.floats(), g.floats(), dx.floats(), size[0] * size[1], s.toString());
        }
    }
}
