package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// A victim for fewer images than a batch takes.
class VictimTest {

    private static Victim victim(Layer model, Device device, int batchSize) {
        return new Victim(model, device, TestModels.shape(TestModels.SHAPE), batchSize);
    }

    @Test
    void batchesAreFullButForLessThanAnEighth() {
        Layer model = TestModels.network(2);
        try (Device device = Device.scalar(1)) {
            for (int largest : new int[] {1, 2, 7, 8, 20, 128}) {
                try (Victim whole = victim(model, device, largest)) {
                    TreeSet<Integer> sizes = new TreeSet<>();
                    for (int count = 1; count <= largest; count++) {
                        Victim part = whole.forImages(count);
                        int empty = part.batchSize() - count;
                        assertTrue(empty >= 0 && empty < Math.max(1, Math.ceilDiv(largest, 8)), count + " of " + largest);
                        assertTrue(empty <= count, count + " of " + largest);
                        assertSame(part, whole.forImages(count));
                        assertSame(part, part.forImages(count), "a smaller form knows the other ones");
                        sizes.add(part.batchSize());
                    }
                    assertSame(whole, whole.forImages(largest));
                    assertTrue(sizes.size() <= 8 + 4, sizes.toString());
                    assertThrows(IllegalArgumentException.class, () -> whole.forImages(largest + 1));
                    assertThrows(IllegalArgumentException.class, () -> whole.forImages(0));
                }
            }
        }
    }

    @Test
    void aModelWhoseImagesSeeEachOtherIsRefused() {
        BatchNormalization.Options usual = BatchNormalization.Options.DEFAULT;
        BatchNormalization.Options ofBatches = new BatchNormalization.Options(usual.eps(), usual.momentum(), usual.affine(), false);
        Layer model = new Sequential(new BatchNorm2d(3, ofBatches), TestModels.linear(4, 1)).initialize(1);
        model.train();
        try (Device device = Device.scalar(1)) {
            String message = assertThrows(IllegalArgumentException.class, () -> victim(model, device, 8)).getMessage();
            assertTrue(message.contains("keeps no running statistics"), message);
        }
        assertTrue(model.isTraining(), "its mode stays");
    }

    @Test
    void aSmallerFormGivesTheSameLogitsAndLeavesTheModesToTheWhole() {
        Layer model = TestModels.network(2);
        model.train();
        Dataset data = TestModels.images(3, 4, 9);
        float[] three = new Points(data, new int[] {0, 1, 2}).adversarial();
        try (Device device = Device.cpu(1)) {
            try (Victim whole = victim(model, device, 16)) {
                Victim part = whole.forImages(3);
                assertNotSame(whole, part);
                assertEquals(4, part.batchSize());
                float[] full = new float[whole.batch().elements()];
                System.arraycopy(three, 0, full, 0, three.length);
                assertArrayEquals(Arrays.copyOf(whole.logits(full), 3 * whole.classes()), whole.logits(three, 3));
                part.close();
                assertTrue(!model.isTraining(), "still under attack");
                assertTrue(whole.passSeconds(full, new int[16], 3) > 0);
            }
            assertTrue(model.isTraining());
        }
    }

    @Test
    void twoProgramsAreKept() {
        List<Integer> open = new ArrayList<>();
        List<Integer> made = new ArrayList<>();
        Dataset data = TestModels.images(16, 4, 9);
        try (Device device = Device.scalar(1);
                Victim whole = victim(TestModels.network(2), device, 16)) {
            ProgramsBySize<BatchProgram> programs = new ProgramsBySize<>(sized -> {
                Integer size = sized.batchSize();
                made.add(size);
                open.add(size);
                return () -> open.remove(size);
            });
            Points points = new Points(data, new int[16]);
            for (int count : new int[] {16, 6, 16, 6, 3, 6, 16}) {
                programs.of(new PointBatch(points, new int[count], whole.forImages(count)));
                assertTrue(open.size() <= 2, open.toString());
            }
            assertEquals(List.of(16, 6, 4, 16), made);
            assertEquals(List.of(6, 16), open);
            programs.close();
            assertEquals(List.of(), open);
        }
    }
}
