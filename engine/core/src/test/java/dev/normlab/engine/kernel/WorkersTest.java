package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 8})
    void everyChunkRunsExactlyOnce(int threads) {
        try (Workers workers = new Workers(threads)) {
            assertEquals(threads, workers.threads());
            for (int chunks : new int[] {0, 1, 2, 3, 7, 100, 1000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, chunks));
                workers.run(chunks, (chunk, _) -> runs.incrementAndGet(chunk));
                for (int chunk = 0; chunk < chunks; chunk++) {
                    assertEquals(1, runs.get(chunk), "chunk " + chunk + " of " + chunks);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 5})
    void noTwoChunksUseOneWorkerAtTheSameTime(int threads) {
        try (Workers workers = new Workers(threads)) {
            AtomicIntegerArray busy = new AtomicIntegerArray(threads);
            Set<String> clashes = ConcurrentHashMap.newKeySet();
            for (int round = 0; round < 200; round++) {
                workers.run(20, (chunk, worker) -> {
                    if (!busy.compareAndSet(worker, 0, 1)) {
                        clashes.add("worker " + worker + " in chunk " + chunk);
                    }
                    spin(200);
                    busy.set(worker, 0);
                });
            }
            assertEquals(Set.of(), clashes);
        }
    }

    private static void spin(int times) {
        for (int i = 0; i < times; i++) {
            Thread.onSpinWait();
        }
    }

    @Test
    void resultsAreVisibleToTheCaller() {
        try (Workers workers = new Workers(4)) {
            for (int round = 0; round < 500; round++) {
                int value = round;
                int[] plain = new int[64];
                workers.run(64, (chunk, _) -> plain[chunk] = value + chunk);
                int[] expected = new int[64];
                Arrays.setAll(expected, chunk -> value + chunk);
                assertArrayEquals(expected, plain);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void anExceptionOfAChunkReachesTheCallerAndTheTeamGoesOn(int threads) {
        try (Workers workers = new Workers(threads)) {
            for (int round = 0; round < 20; round++) {
                IllegalStateException thrown = new IllegalStateException("chunk 3");
                assertSame(thrown, assertThrows(IllegalStateException.class, () -> workers.run(10, (chunk, _) -> {
                    if (chunk == 3) {
                        throw thrown;
                    }
                })));
                AssertionError error = new AssertionError("an error");
                assertSame(error, assertThrows(AssertionError.class, () -> workers.run(1, (_, _) -> {
                    throw error;
                })));
                AtomicInteger sum = new AtomicInteger();
                workers.run(10, (chunk, _) -> sum.addAndGet(chunk));
                assertEquals(45, sum.get());
            }
        }
    }

    @Test
    void sleepingHelpersWakeUpForNewWork() {
        assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
            try (Workers workers = new Workers(3)) {
                for (int round = 0; round < 3; round++) {
                    Thread.sleep(30);
                    Set<Integer> seen = ConcurrentHashMap.newKeySet();
                    while (seen.size() < 3) {
                        workers.run(100, (_, worker) -> {
                            seen.add(worker);
                            spin(2000);
                        });
                    }
                }
            }
        });
    }

    @Test
    void threadsEndWhenTheTeamCloses() throws InterruptedException {
        Workers workers = new Workers(3);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        while (threads.size() < 3) {
            workers.run(50, (_, _) -> {
                threads.add(Thread.currentThread());
                spin(1000);
            });
        }
        workers.close();
        for (Thread thread : threads) {
            if (thread != Thread.currentThread()) {
                assertTrue(thread.isDaemon());
                thread.join(10_000);
                assertFalse(thread.isAlive(), thread.getName() + " is still there");
            }
        }
    }

    @Test
    void aTeamHasAtLeastOneThread() {
        assertThrows(IllegalArgumentException.class, () -> new Workers(0));
        assertThrows(IllegalArgumentException.class, () -> new Workers(-3));
    }
}
