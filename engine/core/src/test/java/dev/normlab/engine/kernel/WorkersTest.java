package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkersTest {

    @Test
    void everyChunkRunsExactlyOnceOnAMemberOfTheTeam() {
        for (int threads : new int[] {1, 2, 5}) {
            try (Workers workers = new Workers(threads)) {
                for (int chunks : new int[] {0, 1, 2, 7, 300}) {
                    AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
                    AtomicIntegerArray members = new AtomicIntegerArray(threads);
                    workers.run(chunks, (chunk, worker) -> {
                        runs.incrementAndGet(chunk);
                        members.incrementAndGet(worker);
                    });
                    for (int i = 0; i < chunks; i++) {
                        assertEquals(1, runs.get(i), "chunk " + i + " of " + chunks + " with " + threads + " threads");
                    }
                }
            }
        }
    }

    @Test
    void whatChunksWroteIsSeenByTheCaller() {
        try (Workers workers = new Workers(3)) {
            int[] written = new int[64];
            int[] expected = new int[64];
            for (int round = 1; round <= 500; round++) {
                int value = round;
                workers.run(64, (chunk, worker) -> written[chunk] = value + chunk);
                for (int i = 0; i < 64; i++) {
                    expected[i] = round + i;
                }
                assertArrayEquals(expected, written, "round " + round);
            }
        }
    }

    @Test
    void aFailingChunkFailsTheCallAndTheTeamGoesOn() {
        for (int threads : new int[] {1, 4}) {
            try (Workers workers = new Workers(threads)) {
                IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> workers.run(20, (chunk, worker) -> {
                    if (chunk == 13) {
                        throw new IllegalStateException("chunk 13");
                    }
                }));
                assertEquals("chunk 13", thrown.getMessage());
                boolean[] done = new boolean[20];
                workers.run(20, (chunk, worker) -> done[chunk] = true);
                boolean[] all = new boolean[20];
                Arrays.fill(all, true);
                assertArrayEquals(all, done);
            }
        }
    }

    @Test
    void aTeamHasAtLeastOneThread() {
        IllegalArgumentException thrown = assertThrows(IllegalArgumentException.class, () -> new Workers(0));
        assertTrue(thrown.getMessage().contains("got 0"), thrown.getMessage());
    }
}
