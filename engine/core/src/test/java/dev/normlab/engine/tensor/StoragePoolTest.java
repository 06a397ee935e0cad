package dev.normlab.engine.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StoragePoolTest {

    private static final Layout BLOCKED = Layout.blocked(16);

    private final StoragePool pool = new StoragePool(false);

    @Test
    void anArrayThatWasGivenBackIsUsedAgainForTheSameLengthInAnyShape() {
        Storage first = pool.take(DType.FLOAT32, Shape.of(4, 6), Layout.PLAIN);
        float[] array = first.floats();
        pool.giveBack(first);
        assertSame(array, pool.take(DType.FLOAT32, Shape.of(24), Layout.PLAIN).floats());
        assertEquals(96, pool.allocatedBytes());
    }

    @Test
    void twoStoragesInUseNeverShareAnArray() {
        Storage first = pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN);
        Storage second = pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN);
        assertNotSame(first.floats(), second.floats());
        assertEquals(40, pool.allocatedBytes());
    }

    @Test
    void floatsAndIntegersAreKeptApart() {
        Storage ints = pool.take(DType.INT32, Shape.of(5), Layout.PLAIN);
        pool.giveBack(ints);
        assertEquals(DType.FLOAT32, pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN).dtype());
        assertEquals(40, pool.allocatedBytes());
        pool.take(DType.INT32, Shape.of(5), Layout.PLAIN);
        assertEquals(40, pool.allocatedBytes());
    }

    @Test
    void blockedStoragesHaveRoomForPaddedChannels() {
        Storage storage = pool.take(DType.FLOAT32, Shape.of(2, 10, 3, 3), BLOCKED);
        assertEquals(2 * 16 * 9, storage.floats().length);
        assertEquals(BLOCKED, storage.layout());
    }

    @Test
    void aStorageIsUnusableAfterItWasGivenBack() {
        Storage storage = pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN);
        pool.giveBack(storage);
        assertThrows(IllegalStateException.class, storage::floats);
        assertThrows(IllegalStateException.class, () -> pool.giveBack(storage));
        IllegalStateException error = assertThrows(IllegalStateException.class, () -> Tensor.of(storage).toArray());
        assertTrue(error.getMessage().contains("was used after its tape or program took its memory back"), error.getMessage());
    }

    @Test
    void aPoisoningPoolFillsEveryArrayIncludingPadding() {
        StoragePool poisoning = new StoragePool(true);
        for (int round = 0; round < 2; round++) {
            Storage floats = poisoning.take(DType.FLOAT32, Shape.of(1, 3, 2, 2), BLOCKED);
            Storage ints = poisoning.take(DType.INT32, Shape.of(7), Layout.PLAIN);
            for (float value : floats.floats()) {
                assertTrue(Float.isNaN(value));
            }
            for (int value : ints.ints()) {
                assertEquals(Integer.MIN_VALUE, value);
            }
            floats.floats()[0] = 1;
            ints.ints()[0] = 1;
            poisoning.giveBack(floats);
            poisoning.giveBack(ints);
        }
    }

    @Test
    void clearForgetsFreeArrays() {
        Storage storage = pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN);
        float[] array = storage.floats();
        pool.giveBack(storage);
        pool.clear();
        assertNotSame(array, pool.take(DType.FLOAT32, Shape.of(5), Layout.PLAIN).floats());
    }

    @Test
    void emptyTensorsHaveStoragesToo() {
        assertEquals(0, pool.take(DType.FLOAT32, Shape.of(0, 10, 2, 2), BLOCKED).floats().length);
        assertEquals(1, pool.take(DType.FLOAT32, Shape.of(), Layout.PLAIN).floats().length);
    }

    @Test
    void manyDifferentShapesDoNotMakeThePoolGrow() {
        for (int step = 0; step < 200; step++) {
            // every length is new, and none is short enough for an array of an earlier step
            Storage activation = pool.take(DType.FLOAT32, Shape.of(1000 + 300 * (step % 50) + step), Layout.PLAIN);
            Storage gradient = pool.take(DType.FLOAT32, Shape.of(20_000 + 7_000 * (step % 50) + step), Layout.PLAIN);
            Storage labels = pool.take(DType.INT32, Shape.of(10 + step), Layout.PLAIN);
            pool.giveBack(activation);
            pool.giveBack(gradient);
            pool.giveBack(labels);
        }
        long mostOfOneStep = 4L * (1000 + 300 * 49 + 20_000 + 7_000 * 49 + 3 * 200);
        assertTrue(pool.heldBytes() <= 2 * mostOfOneStep, pool.heldBytes() + " bytes are held, a step needs " + mostOfOneStep);
        assertTrue(pool.allocatedBytes() > 2 * mostOfOneStep, "otherwise nothing was let go, and the test shows nothing");
    }

    @Test
    void whatWasGivenBackLongestAgoGoesFirst() {
        float[] old = pool.takeFloats(100, false);
        pool.giveBack(old);
        float[] larger = pool.takeFloats(150, false);
        pool.giveBack(larger);
        float[] largest = pool.takeFloats(200, false);
        pool.giveBack(largest);
        assertEquals(4 * (150 + 200), pool.heldBytes(), "twice the longest is not exceeded any more");
        assertSame(larger, pool.takeFloats(100, false));
        assertSame(largest, pool.takeFloats(100, false));
    }

    @Test
    void whatIsKeptForGoodIsNoLongerHeld() {
        Storage kept = pool.take(DType.FLOAT32, Shape.of(50), Layout.PLAIN);
        pool.forget(kept);
        assertEquals(0, pool.heldBytes());
        assertEquals(50, kept.floats().length, "it stays usable");
    }
}
