package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import org.junit.jupiter.api.Test;

class WorkspaceTest {

    @Test
    void scratchIsSharedByPurposeAndMemberAndGrowsOnDemand() {
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            float[] first = workspace.scratch(0, "rows", 10);
            assertSame(first, workspace.scratch(0, "rows", 4));
            assertNotSame(first, workspace.scratch(1, "rows", 4));
            assertNotSame(first, workspace.scratch(0, "columns", 4));
            assertTrue(workspace.scratch(0, "rows", 11).length >= 11);
            double[] doubles = workspace.scratchDoubles(0, "rows", 10);
            assertSame(doubles, workspace.scratchDoubles(0, "rows", 10));
            assertNotSame(doubles, workspace.scratchDoubles(1, "rows", 10));
        }
    }

    @Test
    void aPackIsMadeOncePerVersionAndForm() {
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            Storage weight = Storage.ofFloats(Shape.of(1), Layout.PLAIN, new float[] {3});
            int[] packed = new int[1];
            for (int use = 0; use < 3; use++) {
                assertEquals(6, pack(workspace, weight, "double", 2, packed)[0]);
            }
            assertEquals(1, packed[0]);
            assertEquals(9, pack(workspace, weight, "triple", 3, packed)[0]);
            assertEquals(2, packed[0]);
            weight.floats()[0] = 5;
            weight.touch();
            assertEquals(10, pack(workspace, weight, "double", 2, packed)[0]);
            assertEquals(3, packed[0]);
        }
    }

    private static float[] pack(Workspace workspace, Storage weight, String form, float factor, int[] count) {
        return workspace.packed(weight, form, 1, target -> {
            target[0] = factor * weight.floats()[0];
            count[0]++;
        });
    }
}
