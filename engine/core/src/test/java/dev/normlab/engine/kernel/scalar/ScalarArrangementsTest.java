package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertAdjoint;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.intOutput;
import static dev.normlab.engine.kernel.scalar.Fixture.ints;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.packed;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.unpacked;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.ArrangementKernels;
import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarArrangementsTest {

    private static final Layout BLOCKED = Layout.blocked(16);
    private final ArrangementKernels arrangements = new ScalarKernels().arrangements();

    @Test
    void repackingBothWaysAgreesWithTheLayouts() {
        for (int c : new int[] {1, 3, 10, 16, 24, 56, 152}) {
            Storage x = random(1, 2, c, 3, 5), blocked = output(BLOCKED, 2, c, 3, 5), eights = output(Layout.blocked(8), 2, c, 3, 5);
            arrangements.repack(x, blocked, WORKSPACE);
            assertArrayEquals(packed(x, BLOCKED).floats(), blocked.floats(), c + " channels");
            arrangements.repack(blocked, eights, WORKSPACE);
            assertArrayEquals(packed(x, Layout.blocked(8)).floats(), eights.floats(), c + " channels, blocks of 8");
            Storage back = output(2, c, 3, 5);
            arrangements.repack(eights, back, WORKSPACE);
            assertArrayEquals(x.floats(), back.floats(), c + " channels, back");
        }
    }

    @Test
    void copyAndZeroWorkOnEveryLayoutAndType() {
        Storage x = packed(random(2, 2, 5, 2, 2), BLOCKED), y = output(BLOCKED, 2, 5, 2, 2), labels = intOutput(3);
        arrangements.copy(x, y, WORKSPACE);
        assertArrayEquals(x.floats(), y.floats());
        arrangements.zero(y, WORKSPACE);
        assertArrayEquals(new float[2 * 16 * 4], y.floats());
        arrangements.copy(ints(4, 5, 6), labels, WORKSPACE);
        assertArrayEquals(new int[] {4, 5, 6}, labels.ints());
        arrangements.zero(labels, WORKSPACE);
        assertArrayEquals(new int[3], labels.ints());
    }

    @Test
    void permutingMovesEveryElementToItsIndices() {
        Storage x = random(3, 2, 3, 4, 5);
        List<Integer> axes = List.of(2, 0, 3, 1);
        Storage y = output(4, 2, 5, 3);
        arrangements.permute(x.shape(), axes, x, y, WORKSPACE);
        for (int a = 0; a < 2; a++) {
            for (int b = 0; b < 3; b++) {
                for (int c = 0; c < 4; c++) {
                    for (int d = 0; d < 5; d++) {
                        assertEquals(x.floats()[((a * 3 + b) * 4 + c) * 5 + d], y.floats()[((c * 2 + a) * 5 + d) * 3 + b]);
                    }
                }
            }
        }
        Storage scalar = output();
        arrangements.permute(Shape.of(), List.of(), floats(Shape.of(), 7), scalar, WORKSPACE);
        assertArrayEquals(new float[] {7}, scalar.floats());
    }

    @Test
    void everyPaddingModeReadsTheDocumentedPositions() {
        assertArrayEquals(new float[] {0, 0, 1, 2, 3, 0}, padded(PadMode.ZERO));
        assertArrayEquals(new float[] {2, 3, 1, 2, 3, 1}, padded(PadMode.CIRCULAR));
        assertArrayEquals(new float[] {3, 2, 1, 2, 3, 2}, padded(PadMode.REFLECT));
        assertArrayEquals(new float[] {1, 1, 1, 2, 3, 3}, padded(PadMode.REPLICATE));
    }

    private float[] padded(PadMode mode) {
        Storage y = output(1, 1, 1, 6);
        arrangements.pad(new PadSizes(1, 1, 1, 3, 0, 0, 2, 1, mode), floats(Shape.of(1, 1, 1, 3), 1, 2, 3), y, WORKSPACE);
        return y.floats();
    }

    @ParameterizedTest
    @EnumSource
    void paddingAndItsGradientAreAdjoint(PadMode mode) {
        for (PadSizes s : List.of(new PadSizes(2, 3, 4, 5, 1, 2, 3, 0, mode), new PadSizes(1, 2, 3, 3, 2, 2, 2, 2, mode), new PadSizes(0, 2,
                3, 3, 1, 1, 1, 1, mode))) {
            Storage x = random(4, s.n(), s.c(), s.h(), s.w()), g = random(5, s.n(), s.c(), s.oh(), s.ow());
            Storage y = output(s.n(), s.c(), s.oh(), s.ow()), dx = output(s.n(), s.c(), s.h(), s.w());
            arrangements.pad(s, x, y, WORKSPACE);
            arrangements.padBackward(s, g, dx, WORKSPACE);
            assertAdjoint(x.floats(), y.floats(), g.floats(), dx.floats(), 9, s.toString());
        }
    }

    @Test
    void placingLeavesTheRestAndSlicingTakesItBack() {
        AxisSizes s = AxisSizes.of(Shape.of(2, 5, 3), 1);
        Storage whole = random(6, 2, 5, 3), part = random(7, 2, 2, 3), back = output(2, 2, 3);
        float[] before = whole.floats().clone();
        arrangements.place(s, 1, 2, part, whole, WORKSPACE);
        for (int i = 0; i < before.length; i++) {
            int axis = i / 3 % 5;
            float expected = axis == 1 || axis == 2 ? part.floats()[(i / 15 * 2 + axis - 1) * 3 + i % 3] : before[i];
            assertEquals(expected, whole.floats()[i], "element " + i);
        }
        arrangements.slice(s, 1, 2, whole, back, WORKSPACE);
        assertArrayEquals(part.floats(), back.floats());
        Storage labels = intOutput(2);
        arrangements.slice(new AxisSizes(1, 4, 1), 2, 2, ints(5, 6, 7, 8), labels, WORKSPACE);
        assertArrayEquals(new int[] {7, 8}, labels.ints());
    }

    @Test
    void slicesOfBlockedTensorsAreTheSlicesOfTheirValues() {
        Shape shape = Shape.of(3, 48, 4, 5);
        int[][] slices = {{0, 1, 2}, {1, 16, 32}, {1, 32, 16}, {2, 1, 2}, {3, 2, 3}, {1, 0, 48}};
        for (int c : new int[] {48, 10}) {
            for (int[] slice : slices) {
                if (c == 10 && slice[0] == 1) {
                    continue; // misaligned channels are sliced row-major
                }
                Shape whole = shape.with(1, c), part = whole.with(slice[0], slice[2]);
                AxisSizes s = AxisSizes.of(whole, slice[0]);
                Storage x = random(8, whole.toArray()), plain = output(part.toArray()), blocked = output(BLOCKED, part.toArray());
                arrangements.slice(s, slice[1], slice[2], x, plain, WORKSPACE);
                arrangements.slice(s, slice[1], slice[2], packed(x, BLOCKED), blocked, WORKSPACE);
                assertArrayEquals(packed(plain, BLOCKED).floats(), blocked.floats(), "slice of " + whole + " to " + part);

                Storage target = packed(random(9, whole.toArray()), BLOCKED), plainTarget = random(9, whole.toArray());
                arrangements.place(s, slice[1], slice[2], blocked, target, WORKSPACE);
                arrangements.place(s, slice[1], slice[2], plain, plainTarget, WORKSPACE);
                assertArrayEquals(plainTarget.floats(), unpacked(target), "place of " + part + " into " + whole);
            }
        }
    }

    @Test
    void shufflingTransposesTheChannelGroups() {
        Storage y = output(1, 6, 1);
        arrangements.channelShuffle(new AxisSizes(1, 6, 1), 2, vector(0, 1, 2, 3, 4, 5), y, WORKSPACE);
        assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, y.floats());
        Storage x = random(10, 2, 6, 3), shuffled = output(2, 6, 3), back = output(2, 6, 3);
        arrangements.channelShuffle(new AxisSizes(2, 6, 3), 3, x, shuffled, WORKSPACE);
        arrangements.channelShuffle(new AxisSizes(2, 6, 3), 2, shuffled, back, WORKSPACE);
        assertArrayEquals(x.floats(), back.floats());
    }

    @Test
    void gatheringAndItsGradientAreAdjointAndRepeatedIndicesAdd() {
        AxisSizes s = new AxisSizes(2, 4, 3);
        Storage x = random(11, 2, 4, 3), g = random(12, 2, 2, 3), y = output(2, 2, 3), dx = output(2, 4, 3);
        Storage indices = Storage.ofInts(Shape.of(2, 2, 3), new int[] {0, 3, 2, 0, 1, 2, 3, 3, 0, 2, 3, 0});
        arrangements.gather(s, 2, x, indices, y, WORKSPACE);
        for (int i = 0; i < 12; i++) {
            assertEquals(x.floats()[(i / 6 * 4 + indices.ints()[i]) * 3 + i % 3], y.floats()[i]);
        }
        arrangements.gatherBackward(s, 2, g, indices, dx, WORKSPACE);
        assertAdjoint(x.floats(), y.floats(), g.floats(), dx.floats(), 2, "gather");
        assertEquals(g.floats()[0] + g.floats()[3], dx.floats()[0]);
        assertEquals(0f, dx.floats()[1]);
    }
}
