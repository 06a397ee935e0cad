package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static dev.normlab.nn.data.DataFixture.image;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BatchLoaderTest {

    private static final ImageShape SHAPE = new ImageShape(3, 6, 5);

    private static List<Batch> batches(BatchLoader loader, int epoch) {
        List<Batch> batches = new ArrayList<>();
        try (BatchLoader.Epoch all = loader.epoch(epoch)) {
            all.forEachRemaining(batches::add);
        }
        return batches;
    }

    private static int[] indices(List<Batch> batches) {
        return batches.stream().flatMapToInt(batch -> Arrays.stream(batch.indices())).toArray();
    }

    @Test
    void aPlainLoaderGivesTheImagesInOrderAndKeepsTheSmallerLastBatch() {
        Dataset data = DataFixture.bytes(23, SHAPE, 4);
        BatchLoader loader = BatchLoader.plain(data, 5);
        List<Batch> batches = batches(loader, 0);
        assertEquals(5, loader.batches());
        assertEquals(List.of(5, 5, 5, 5, 3), batches.stream().map(Batch::size).toList());
        int expected = 0;
        for (Batch batch : batches) {
            assertEquals(batch.size() * SHAPE.values(), batch.images().length);
            for (int i = 0; i < batch.size(); i++) {
                assertEquals(expected, batch.indices()[i]);
                assertEquals(data.label(expected), batch.labels()[i]);
                assertArrayEquals(image(data, expected), Arrays.copyOfRange(batch.images(), i * SHAPE.values(), (i + 1) * SHAPE.values()));
                expected++;
            }
        }
        assertEquals(23, expected);
    }

    @Test
    void aShuffledEpochHasEveryImageOnceInAnOrderOfItsOwn() {
        Dataset data = DataFixture.bytes(50, SHAPE, 4);
        BatchLoader loader = BatchLoader.shuffled(data, 8, 1, null);
        int[] first = indices(batches(loader, 0));
        int[] second = indices(batches(loader, 1));
        int[] otherSeed = indices(batches(BatchLoader.shuffled(data, 8, 2, null), 0));
        int[] everyImage = first.clone();
        Arrays.sort(everyImage);
        assertArrayEquals(indices(batches(BatchLoader.plain(data, 8), 0)), everyImage);
        assertNotEquals(Arrays.toString(first), Arrays.toString(second));
        assertNotEquals(Arrays.toString(first), Arrays.toString(otherSeed));
        assertArrayEquals(first, indices(batches(loader, 0)));
        assertArrayEquals(first, indices(batches(BatchLoader.shuffled(data, 13, 1, null), 0)));
    }

    @Test
    void anImagesVariationDoesNotDependOnItsBatch() {
        Dataset data = DataFixture.bytes(40, SHAPE, 4);
        float[][] byShuffled = byIndex(batches(BatchLoader.shuffled(data, 7, 1, Augmentation.cropAndFlip()), 3), 40);
        float[][] byOrder = byIndex(batches(BatchLoader.inOrder(data, 40, 1, Augmentation.cropAndFlip()), 3), 40);
        int changed = 0;
        for (int i = 0; i < 40; i++) {
            assertArrayEquals(byShuffled[i], byOrder[i]);
            changed += Arrays.equals(byOrder[i], image(data, i)) ? 0 : 1;
        }
        assertTrue(changed > 30);
    }

    private static float[][] byIndex(List<Batch> batches, int n) {
        float[][] images = new float[n][];
        for (Batch batch : batches) {
            for (int i = 0; i < batch.size(); i++) {
                images[batch.indices()[i]] = Arrays.copyOfRange(batch.images(), i * SHAPE.values(), (i + 1) * SHAPE.values());
            }
        }
        return images;
    }

    @Test
    void anEpochCanBeContinuedFromAnyBatch() {
        BatchLoader loader = BatchLoader.shuffled(DataFixture.bytes(50, SHAPE, 4), 8, 1, Augmentation.cropAndFlip());
        List<Batch> whole = batches(loader, 2);
        for (int start = 0; start <= whole.size(); start++) {
            try (BatchLoader.Epoch rest = loader.epoch(2, start)) {
                assertEquals(whole.size() - start, rest.remaining());
                for (int b = start; b < whole.size(); b++) {
                    Batch batch = rest.next();
                    assertArrayEquals(whole.get(b).indices(), batch.indices());
                    assertArrayEquals(whole.get(b).images(), batch.images());
                }
                assertFalse(rest.hasNext());
                assertThrows(NoSuchElementException.class, rest::next);
            }
        }
        assertDataError(() -> loader.epoch(0, 8), "no batch 8", "7 batches");
        assertDataError(() -> loader.epoch(-1), "epoch -1");
    }

    @Test
    void anExceptionOfTheBackgroundThreadReachesTheCaller() {
        Dataset data = DataFixture.bytes(20, SHAPE, 4);
        int[] varied = new int[1];
        Augmentation failing = (_, _, _, _, _) -> {
            if (varied[0]++ == 9) {
                throw new IllegalStateException("no more");
            }
        };
        try (BatchLoader.Epoch batches = BatchLoader.inOrder(data, 4, 0, failing).epoch(0)) {
            batches.next();
            batches.next();
            DataException error = assertThrows(DataException.class, batches::next);
            assertInstanceOf(IllegalStateException.class, error.getCause());
            assertTrue(error.getMessage().contains("epoch 0") && error.getMessage().contains("no more"), error.getMessage());
            assertFalse(batches.hasNext());
        }
    }

    @Test
    void closingEndsTheBackgroundThread() throws InterruptedException {
        BatchLoader.Epoch batches = BatchLoader.plain(DataFixture.bytes(1000, SHAPE, 4), 1).epoch(7);
        batches.next();
        batches.close();
        assertFalse(batches.hasNext());
        for (int i = 0; i < 3000 && threadOfEpochLives(); i++) {
            Thread.sleep(10);
        }
        assertFalse(threadOfEpochLives());
    }

    private static boolean threadOfEpochLives() {
        return Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> thread.getName().equals("batches of epoch 7"));
    }

    @Test
    void anInterruptedCallerGetsAnErrorAndKeepsItsInterrupt() {
        try (BatchLoader.Epoch batches = BatchLoader.plain(DataFixture.bytes(10, SHAPE, 4), 2).epoch(0)) {
            Thread.currentThread().interrupt();
            assertDataError(batches::next, "Interrupted while waiting for batch 0");
            assertTrue(Thread.interrupted());
            assertEquals(2, batches.next().size());
        }
    }

    @Test
    void badBatchSizesAreErrors() {
        Dataset data = DataFixture.bytes(10, SHAPE, 4);
        assertDataError(() -> BatchLoader.plain(data, 0), "at least 1", "0");
        assertDataError(() -> BatchLoader.plain(data, -3), "-3");
        assertEquals(1, BatchLoader.plain(data, Integer.MAX_VALUE).batches());
        assertEquals(10, batches(BatchLoader.plain(data, Integer.MAX_VALUE), 0).getFirst().size());
    }
}
