package dev.normlab.engine.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Contents that an accelerator holds come back whole, or not at all.
class StorageTest {

    private static Storage storage() {
        return Storage.ofFloats(Shape.of(2), Layout.PLAIN, new float[] {1, 2});
    }

    @Test
    void whoeverAsksWhileContentsComeBackWaitsForThem() throws Exception {
        Storage storage = storage();
        AtomicInteger calls = new AtomicInteger();
        storage.changedBy(changed -> {
            calls.incrementAndGet();
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            changed.floats()[0] = 7; // the owner itself gets the array
        });
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            Callable<Float> reader = () -> storage.floats()[0];
            List<Future<Float>> seen = IntStream.range(0, 4).mapToObj(_ -> threads.submit(reader)).toList();
            for (Future<Float> each : seen) {
                assertEquals(7, each.get());
            }
        }
        assertEquals(1, calls.get());
        assertNull(storage.newerContents());
    }

    @Test
    void contentsThatAreLostAreNeverTakenForTheOldOnes() {
        Storage storage = storage();
        Storage.Owner owner = _ -> {
            throw new IllegalStateException("the device is gone");
        };
        storage.changedBy(owner);
        for (int i = 0; i < 2; i++) {
            assertEquals("the device is gone", assertThrows(IllegalStateException.class, storage::floats).getMessage());
            assertSame(owner, storage.newerContents());
        }
    }

    @Test
    void contentsThatAreLostCanBeReplaced() {
        Storage storage = storage();
        storage.changedBy(_ -> {
            throw new IllegalStateException("the device is gone");
        });
        Tensor tensor = Tensor.of(storage);
        assertThrows(ShapeException.class, () -> tensor.set(1f));
        assertThrows(IllegalStateException.class, () -> tensor.setInts(1, 2));
        assertThrows(IllegalStateException.class, tensor::toArray, "a refused value replaces nothing");
        tensor.set(3f, 4f);
        assertArrayEquals(new float[] {3f, 4f}, tensor.toArray());
        assertNull(storage.newerContents());
        assertEquals(2, storage.version());
    }
}
