package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkspaceTest {

    private final Workers workers = new Workers(2);
    private final Workspace workspace = new Workspace(workers);
    private int packings;

    @AfterEach
    void close() {
        workers.close();
    }

    private float[] doubled(Storage storage, Object form) {
        return workspace.packed(storage, form, 2, array -> {
            packings++;
            array[0] = 2 * storage.floats()[0];
            array[1] = 2 * storage.floats()[1];
        });
    }

    @Test
    void scratchIsTheSameForOnePurposeAndAnotherForOthers() {
        float[] first = workspace.scratch(0, "halo", 10);
        assertTrue(first.length >= 10);
        assertSame(first, workspace.scratch(0, "halo", 7));
        assertNotSame(first, workspace.scratch(0, "columns", 10));
        assertNotSame(first, workspace.scratch(1, "halo", 10));
        assertTrue(workspace.scratch(0, "halo", 100).length >= 100);
        double[] sums = workspace.scratchDoubles(0, "halo", 10);
        assertSame(sums, workspace.scratchDoubles(0, "halo", 10));
        assertNotSame(sums, workspace.scratchDoubles(1, "halo", 10));
    }

    @Test
    void packsOfAReleasedStorageServeTheNext() {
        Storage first = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
        workspace.expectMany(first);
        float[] kept = doubled(first, "forward");
        assertSame(kept, doubled(first, "forward"));
        assertEquals(1, packings);
        workspace.release(first);
        Storage second = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {3, 4});
        workspace.expectMany(second);
        assertSame(kept, doubled(second, "forward"));
        assertArrayEquals(new float[] {6, 8}, kept);
        assertNotSame(kept, doubled(first, "forward"), "the released storage is packed anew");
        assertArrayEquals(new float[] {6, 8}, doubled(second, "forward"));
    }

    @Test
    void aPackIsKeptFromTheSecondUseOfAVersionOn() {
        Storage storage = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
        assertArrayEquals(new float[] {2, 4}, doubled(storage, "forward"));
        float[] kept = doubled(storage, "forward");
        assertArrayEquals(new float[] {2, 4}, kept);
        assertEquals(2, packings);
        doubled(storage, "backward");
        assertSame(kept, doubled(storage, "forward"));
        assertEquals(3, packings);
        storage.floats()[0] = 5;
        storage.touch();
        assertArrayEquals(new float[] {10, 4}, first(2, doubled(storage, "forward")));
        assertArrayEquals(new float[] {10, 4}, first(2, doubled(storage, "backward")));
        assertEquals(5, packings);
    }

    private static float[] first(int count, float[] array) {
        return Arrays.copyOf(array, count);
    }

    @Test
    void packsOfVersionsThatAreUsedOnceShareAnArray() {
        Storage one = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
        Storage other = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {3, 4});
        float[] array = doubled(one, "forward");
        assertSame(array, doubled(other, "forward"));
        one.touch();
        assertSame(array, doubled(one, "forward"));
        assertArrayEquals(new float[] {2, 4}, array);
    }

    @Test
    void settingATensorMakesItsPacksStale() {
        Tensor weight = Tensor.of(Shape.of(2), 1f, 2f);
        doubled(weight.storage(), "forward");
        weight.set(3f, 4f);
        assertArrayEquals(new float[] {6, 8}, doubled(weight.storage(), "forward"));
    }

    @Test
    void equalStoragesHaveTheirOwnPacks() {
        Storage one = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
        Storage other = Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
        doubled(one, "forward");
        doubled(other, "forward");
        assertNotSame(doubled(one, "forward"), doubled(other, "forward"));
    }
}
