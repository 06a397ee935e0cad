package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.ints;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.packed;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.unpacked;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarElementwiseTest {

    private static final float NAN = Float.NaN;
    private final ElementwiseKernels elementwise = new ScalarKernels().elementwise();

    private static DoubleUnaryOperator definition(UnaryFunction f) {
        return switch (f) {
            case RELU -> x -> x > 0 ? x : 0;
            case SIGMOID -> x -> 1 / (1 + Math.exp(-x));
            case SILU -> x -> x / (1 + Math.exp(-x));
            case EXP -> Math::exp;
            case LOG -> Math::log;
            case SQRT -> Math::sqrt;
            case ABS -> x -> x > 0 ? x : -x;
            case SIGN -> x -> x > 0 ? 1 : x < 0 ? -1 : 0;
            case NEGATE -> x -> -x;
            case SQUARE -> x -> x * x;
            case X_LOG_X -> x -> x * Math.log(x);
        };
    }

    private static Storage inputs(UnaryFunction f) {
        boolean positive = f == UnaryFunction.LOG || f == UnaryFunction.SQRT || f == UnaryFunction.X_LOG_X;
        return positive ? vector(0.25f, 1f, 0.5f, 3f, 0.125f, 2.5f) : vector(-3f, -1f, -0.25f, 0.5f, 1f, 2.75f);
    }

    @ParameterizedTest
    @EnumSource
    void everyUnaryFunctionFollowsItsDefinition(UnaryFunction f) {
        Storage x = inputs(f), y = output(6);
        elementwise.unary(f, x, y, WORKSPACE);
        double[] expected = new double[6];
        for (int i = 0; i < 6; i++) {
            expected[i] = definition(f).applyAsDouble(x.floats()[i]);
        }
        assertClose(expected, y.floats(), 1e-7, f.toString());
    }

    @ParameterizedTest
    @EnumSource
    void everyUnaryGradientIsTheSlope(UnaryFunction f) {
        Storage x = inputs(f), y = output(6), g = random(1, 6), dx = output(6);
        elementwise.unary(f, x, y, WORKSPACE);
        elementwise.unaryBackward(f, f.derivativeFromOutput() ? y : x, g, dx, WORKSPACE);
        double[] expected = new double[6];
        double h = 1e-6;
        for (int i = 0; i < 6; i++) {
            double at = x.floats()[i];
            expected[i] = g.floats()[i] * (definition(f).applyAsDouble(at + h) - definition(f).applyAsDouble(at - h)) / (2 * h);
        }
        assertClose(expected, dx.floats(), 1e-6, f.toString());
    }

    @ParameterizedTest
    @EnumSource
    void nanStaysNan(UnaryFunction f) {
        Storage y = output(1);
        y.floats()[0] = 0f;
        elementwise.unary(f, vector(NAN), y, WORKSPACE);
        assertTrue(Float.isNaN(y.floats()[0]));
    }

    @Test
    void kinksAndEndsHaveTheirDocumentedValues() {
        assertArrayEquals(new float[] {0, 0}, unaryBackward(UnaryFunction.RELU, vector(0f, -0f)));
        assertArrayEquals(new float[] {0, 0}, unaryBackward(UnaryFunction.ABS, vector(0f, -0f)), Float.MIN_VALUE);
        assertArrayEquals(new float[] {0, 0}, unaryBackward(UnaryFunction.X_LOG_X, vector(0f, 0f)));
        Storage y = output(2);
        elementwise.unary(UnaryFunction.X_LOG_X, vector(0f, 1f), y, WORKSPACE);
        assertArrayEquals(new float[] {0, 0}, y.floats());
        elementwise.unary(UnaryFunction.SIGMOID, vector(-1000f, 1000f), y, WORKSPACE);
        assertArrayEquals(new float[] {0, 1}, y.floats());
        elementwise.unary(UnaryFunction.EXP, vector(-1000f, 1000f), y, WORKSPACE);
        assertArrayEquals(new float[] {0, Float.POSITIVE_INFINITY}, y.floats());
    }

    private float[] unaryBackward(UnaryFunction f, Storage xOrY) {
        Storage dx = output(2);
        elementwise.unaryBackward(f, xOrY, vector(3f, 3f), dx, WORKSPACE);
        return dx.floats();
    }

    @Test
    void broadcastingStretchesSizesOfOneAndMissingDimensions() {
        Shape[][] shapes = {{Shape.of(2, 3, 4), Shape.of(2, 3, 4)}, {Shape.of(2, 3, 4), Shape.of(4)}, {Shape.of(2, 3, 4), Shape.of(3, 1)},
            {Shape.of(2, 1, 4), Shape.of(3, 1)}, {Shape.of(), Shape.of(5)}, {Shape.of(), Shape.of()}, {Shape.of(2, 3, 1, 1), Shape.of(2, 3,
                    4, 5)},
            {Shape.of(1), Shape.of(2, 0)}};
        for (Shape[] pair : shapes) {
            Shape out = Shape.broadcast("test", pair[0], pair[1]);
            Storage a = random(2, pair[0].toArray()), b = random(3, pair[1].toArray()), y = output(out.toArray());
            elementwise.binary(new BroadcastSizes(BinaryFunction.SUBTRACT, pair[0], pair[1], out), a, b, y, WORKSPACE);
            for (int i = 0; i < out.elements(); i++) {
                float expected = a.floats()[indexIn(pair[0], out, i)] - b.floats()[indexIn(pair[1], out, i)];
                assertEquals(expected, y.floats()[i], pair[0] + " and " + pair[1]);
            }
            Storage stretched = output(out.toArray());
            elementwise.broadcast(pair[0], out, a, stretched, WORKSPACE);
            for (int i = 0; i < out.elements(); i++) {
                assertEquals(a.floats()[indexIn(pair[0], out, i)], stretched.floats()[i], pair[0] + " to " + out);
            }
        }
    }

    /// The position in a tensor of shape `from` that stands at position `i` of its stretched form `to`, from the last dimension to the
    /// first.
    private static int indexIn(Shape from, Shape to, int i) {
        int index = 0, stride = 1;
        for (int d = 1; d <= to.rank(); d++) {
            int at = i % to.size(-d);
            i /= to.size(-d);
            if (d <= from.rank()) {
                index += from.size(-d) == 1 ? 0 : at * stride;
                stride *= from.size(-d);
            }
        }
        return index;
    }

    @Test
    void binaryFunctionsHaveTheirDocumentedValues() {
        assertArrayEquals(new float[] {4, 1, NAN, NAN}, binary(BinaryFunction.ADD));
        assertArrayEquals(new float[] {-2, -1, NAN, NAN}, binary(BinaryFunction.SUBTRACT));
        assertArrayEquals(new float[] {3, 0, NAN, NAN}, binary(BinaryFunction.MULTIPLY));
        assertArrayEquals(new float[] {1f / 3, 0, NAN, NAN}, binary(BinaryFunction.DIVIDE));
        assertArrayEquals(new float[] {1, 0, NAN, NAN}, binary(BinaryFunction.MINIMUM));
        assertArrayEquals(new float[] {3, 1, NAN, NAN}, binary(BinaryFunction.MAXIMUM));
        assertArrayEquals(new float[] {0, 0, 0, 0}, binary(BinaryFunction.GREATER));
        assertArrayEquals(new float[] {0, 0, 0, 0}, binary(BinaryFunction.EQUAL));
        Storage y = output(3);
        BroadcastSizes s = new BroadcastSizes(BinaryFunction.GREATER_OR_EQUAL, Shape.of(3), Shape.of(), Shape.of(3));
        elementwise.binary(s, vector(1, 2, 3), floats(Shape.of(), 2), y, WORKSPACE);
        assertArrayEquals(new float[] {0, 1, 1}, y.floats());
    }

    private float[] binary(BinaryFunction f) {
        Storage y = output(4);
        BroadcastSizes s = new BroadcastSizes(f, Shape.of(4), Shape.of(4), Shape.of(4));
        elementwise.binary(s, vector(1, 0, NAN, 2), vector(3, 1, 4, NAN), y, WORKSPACE);
        return y.floats();
    }

    @Test
    void blockedTensorsGiveTheSameValuesAndKeepZeroPadding() {
        Layout blocked = Layout.blocked(16);
        for (int c : new int[] {3, 10, 16, 24}) {
            Storage a = random(4, 2, c, 3, 2), plain = output(2, c, 3, 2), y = output(blocked, 2, c, 3, 2);
            elementwise.unary(UnaryFunction.EXP, a, plain, WORKSPACE);
            elementwise.unary(UnaryFunction.EXP, packed(a, blocked), y, WORKSPACE);
            assertArrayEquals(packed(plain, blocked).floats(), y.floats());
            for (int[] sizes : new int[][] {{2, c, 3, 2}, {1, c, 1, 1}, {2, c, 1, 1}, {1, c, 3, 2}, {1, 1, 1, 1}, {}}) {
                Storage b = random(5, sizes);
                BroadcastSizes s = new BroadcastSizes(BinaryFunction.ADD, a.shape(), b.shape(), a.shape());
                elementwise.binary(s, a, b, plain, WORKSPACE);
                elementwise.binary(s, packed(a, blocked), b.shape().elements() == 1 ? b : packed(b, blocked), y, WORKSPACE);
                assertArrayEquals(packed(plain, blocked).floats(), y.floats(), b.shape() + " with " + c + " channels");
            }
            elementwise.clamp(0.25f, 0.5f, packed(a, blocked), y, WORKSPACE);
            elementwise.clamp(0.25f, 0.5f, a, plain, WORKSPACE);
            assertArrayEquals(packed(plain, blocked).floats(), y.floats());
            assertArrayEquals(plain.floats(), unpacked(y));
        }
    }

    @Test
    void clampPassesTheGradientInsideAndAtItsEnds() {
        Storage x = vector(-2, -1, 0, 1, 2, NAN), y = output(6), dx = output(6);
        elementwise.clamp(-1, 1, x, y, WORKSPACE);
        assertArrayEquals(new float[] {-1, -1, 0, 1, 1, NAN}, y.floats());
        elementwise.clampBackward(-1, 1, x, vector(1, 2, 3, 4, 5, 6), dx, WORKSPACE);
        assertArrayEquals(new float[] {0, 2, 3, 4, 0, 0}, dx.floats());
        elementwise.scale(-2, vector(1, 2, 3, 4, 5, NAN), y, WORKSPACE);
        assertArrayEquals(new float[] {-2, -4, -6, -8, -10, NAN}, y.floats());
    }

    @Test
    void randomNumbersAreThoseOfTheDocumentedPhiloxBlocks() {
        Storage counter = ints(0x89abcdef, 0x01234567, -1, -2), y = output(11);
        elementwise.random(new RandomFill(RandomFill.Kind.UNIFORM, 0f), counter, y, WORKSPACE);
        int[] words = new int[4];
        for (int i = 0; i < 11; i++) {
            RandomStream.philox(0x0123456789abcdefL, 0xffffffffL, 0xfffffffeL + i / 4, words);
            assertEquals((float) (Integer.toUnsignedLong(words[i % 4]) >>> 8) / (1 << 23) - 1f, y.floats()[i], "element " + i);
        }
        elementwise.random(new RandomFill(RandomFill.Kind.NORMAL, 0f), counter, y, WORKSPACE);
        for (int i = 0; i < 11; i++) {
            RandomStream.philox(0x0123456789abcdefL, 0xffffffffL, 0xfffffffeL + i / 4, words);
            double u = (Integer.toUnsignedLong(words[i % 4 / 2 * 2]) + 0.5) / 4294967296.0;
            double angle = 2 * Math.PI * Integer.toUnsignedLong(words[i % 4 / 2 * 2 + 1]) / 4294967296.0;
            double expected = Math.sqrt(-2 * Math.log(u)) * (i % 2 == 0 ? Math.cos(angle) : Math.sin(angle));
            assertEquals(expected, y.floats()[i], 1e-6, "element " + i);
        }
    }

    @Test
    void aFillContinuesWhereTheLastOneStopped() {
        RandomFill fill = new RandomFill(RandomFill.Kind.UNIFORM, 0f);
        Storage whole = output(40), rest = output(12);
        elementwise.random(fill, ints(1, 2, 3, 0), whole, WORKSPACE);
        elementwise.random(fill, ints(1, 2, 3, 7), rest, WORKSPACE);
        for (int i = 0; i < 12; i++) {
            assertEquals(whole.floats()[28 + i], rest.floats()[i]);
        }
    }

    @Test
    void distributionsHaveTheirMoments() {
        int count = 40_000;
        float[] uniform = moments(new RandomFill(RandomFill.Kind.UNIFORM, 0f), count);
        assertEquals(0, uniform[0], 0.015);
        assertEquals(1.0 / 3, uniform[1], 0.01);
        float[] normal = moments(new RandomFill(RandomFill.Kind.NORMAL, 0f), count);
        assertEquals(0, normal[0], 0.025);
        assertEquals(1, normal[1], 0.04);
        // a mask of dropout keeps the mean: 0.8 * 1.25
        float[] mask = moments(new RandomFill(RandomFill.Kind.KEEP, 0.8f), count);
        assertEquals(1, mask[0], 0.015);
        assertEquals(1.25, mask[1], 0.015);
        assertArrayEquals(new float[] {1, 1}, moments(new RandomFill(RandomFill.Kind.KEEP, 1f), count));
        assertArrayEquals(new float[] {0, 0}, moments(new RandomFill(RandomFill.Kind.KEEP, 0f), count));
    }

    /// The mean and the mean square; the tolerances above are five standard errors.
    private float[] moments(RandomFill fill, int count) {
        Storage y = output(count);
        elementwise.random(fill, ints(5, 0, 1, 0), y, WORKSPACE);
        double sum = 0, squares = 0;
        for (float value : y.floats()) {
            sum += value;
            squares += (double) value * value;
        }
        return new float[] {(float) (sum / count), (float) (squares / count)};
    }
}
