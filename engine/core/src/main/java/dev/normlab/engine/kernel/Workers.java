package dev.normlab.engine.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A persistent team of threads that splits work into a fixed number of chunks.
///
/// The caller takes part, and the number of chunks depends on the work and never on the number of threads: results are bitwise the same for
/// every team size as long as chunks write disjoint memory. Idle threads spin briefly and then sleep. One caller at a time; chunks must not
/// start chunks.
public final class Workers implements AutoCloseable {

    private static final int SPINS = 20_000;

    private final Thread[] helpers;
    private volatile @Nullable Job job;
    private final AtomicLong generation = new AtomicLong();
    private volatile boolean closed;

    /// A team of this many threads, the caller included.
    ///
    /// @throws IllegalArgumentException if there is not at least one
    public Workers(int threads) {
        if (threads < 1 || threads > 1024) {
            throw new IllegalArgumentException("a team needs between 1 and 1024 threads, but got " + threads);
        }
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            int worker = i + 1;
            helpers[i] = Thread.ofPlatform().daemon(true).name("normlab-worker-" + worker).start(() -> help(worker));
        }
    }

    /// The size of the team, the caller included.
    public int threads() {
        return helpers.length + 1;
    }

    /// One chunk of work.
    @FunctionalInterface
    public interface Chunk {

        /// Does chunk number `chunk` on team member `worker`, which is below [Workers#threads()] and names scratch memory that no other
        /// chunk uses now.
        void run(int chunk, int worker);
    }

    /// Runs `body` for all chunk numbers from 0 to `chunks - 1` and returns when all are done. The first exception of a chunk is thrown
    /// here.
    public void run(int chunks, Chunk body) {
        if (chunks <= 0) {
            return;
        }
        if (chunks == 1 || helpers.length == 0) {
            for (int chunk = 0; chunk < chunks; chunk++) {
                body.run(chunk, 0);
            }
            return;
        }
        Job current = new Job(chunks, body);
        job = current;
        generation.incrementAndGet();
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        current.work(0);
        for (int spins = 0; current.pending.get() > 0; spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        job = null;
        current.rethrow();
    }

    private void help(int worker) {
        long seen = 0;
        int spins = 0;
        while (!closed) {
            long now = generation.get();
            if (now == seen) {
                if (++spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(this, 1_000_000_000L);
                }
                continue;
            }
            seen = now;
            spins = 0;
            Job current = job;
            if (current != null) {
                current.work(worker);
            }
        }
    }

    /// Ends the team's threads.
    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }

    private static final class Job {

        private final int chunks;
        private final Chunk body;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger pending;
        private volatile @Nullable Throwable failure;

        private Job(int chunks, Chunk body) {
            this.chunks = chunks;
            this.body = body;
            this.pending = new AtomicInteger(chunks);
        }

        private void work(int worker) {
            for (int chunk = next.getAndIncrement(); chunk < chunks; chunk = next.getAndIncrement()) {
                try {
                    body.run(chunk, worker);
                } catch (Throwable thrown) {
                    if (failure == null) {
                        failure = thrown;
                    }
                } finally {
                    pending.decrementAndGet();
                }
            }
        }

        private void rethrow() {
            Throwable thrown = failure;
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
            if (thrown instanceof Error error) {
                throw error;
            }
        }
    }
}
