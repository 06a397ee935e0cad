package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.Workspace;

/// Splits the elements of an array among the team's threads, in chunks that depend on the length alone.
final class Ranges {

    // Floats that make a chunk worth handing to a thread; a multiple of every vector length.
    private static final int CHUNK = 1 << 15;

    private Ranges() {}

    /// What is done with the elements `from .. to - 1` of an array; `from` is a multiple of every vector length.
    @FunctionalInterface
    interface Body {

        void run(int from, int to);
    }

    /// Covers the elements `0 .. length - 1`.
    static void each(Workspace workspace, int length, Body body) {
        workspace.workers().run((int) (((long) length + CHUNK - 1) / CHUNK),
                (chunk, _) -> body.run(chunk * CHUNK, (int) Math.min(length, (chunk + 1L) * CHUNK)));
    }
}
