package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.Workspace;

/// Splits a range of items among the team's threads, in chunks whose bounds depend on the sizes alone.
final class Chunks {

    /// Elementary steps that make a chunk worth handing to a thread.
    private static final long STEPS = 1 << 15;

    /// What is done with the items `from .. to - 1`, on team member `worker`.
    @FunctionalInterface
    interface Body {

        void run(int from, int to, int worker);
    }

    private Chunks() {}

    /// Covers the items `0 .. items - 1`, each of about `stepsPerItem` elementary steps.
    static void run(Workspace workspace, int items, long stepsPerItem, Body body) {
        int perChunk = (int) Math.max(1, STEPS / Math.max(1, stepsPerItem));
        int chunks = (int) (((long) items + perChunk - 1) / perChunk);
        workspace.workers().run(chunks, (chunk, worker) -> body.run(chunk * perChunk, (int) Math.min(items, (chunk + 1L) * perChunk),
                worker));
    }
}
