package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/// The planes `[pixels, V]` of a channel-blocked tensor, one for each image and channel block, and values per channel brought to whole
/// blocks.
///
/// @param n      images
/// @param c      channels
/// @param pixels pixels of a plane
record Planes(int n, int c, int pixels) {

    // Floats that make a chunk worth handing to a thread.
    private static final int CHUNK_FLOATS = 1 << 15;

    // The same for sums over images, which do more with each.
    private static final int BLOCK_CHUNK_FLOATS = 1 << 13;

    /// What is done with one plane.
    @FunctionalInterface
    interface Body {

        /// @param plane `image * blocks + block`
        /// @param at    where the plane starts in the array
        void run(int plane, int block, int at, int worker);
    }

    int blocks() {
        return Lanes.blocks(c);
    }

    /// Channels including padding.
    int lanes() {
        return blocks() * V;
    }

    int count() {
        return n * blocks();
    }

    /// Visits all planes, on all threads, in chunks that depend on the sizes alone.
    void each(Workspace workspace, Body body) {
        int perChunk = perChunk();
        workspace.workers().run(Math.ceilDiv(count(), perChunk), (chunk, worker) -> run(chunk, perChunk, body, worker));
    }

    /// What is done with some planes that follow one another.
    @FunctionalInterface
    interface RangeBody {

        /// @param from the first plane
        /// @param to   the one behind the last
        void run(int from, int to);
    }

    /// Visits all planes as [#each] does, a chunk in one call: for small planes, of which a call takes as long as the work.
    void eachRange(Workspace workspace, RangeBody body) {
        int perChunk = perChunk();
        workspace.workers().run(Math.ceilDiv(count(), perChunk),
                (chunk, _) -> body.run(chunk * perChunk, Math.min(count(), (chunk + 1) * perChunk)));
    }

    /// As [#each], but the last planes come first: they are the ones that a pass before this one has left in the caches.
    void eachBackwards(Workspace workspace, Body body) {
        int perChunk = perChunk(), chunks = Math.ceilDiv(count(), perChunk);
        workspace.workers().run(chunks, (chunk, worker) -> run(chunks - 1 - chunk, perChunk, body, worker));
    }

    private int perChunk() {
        return Math.max(1, CHUNK_FLOATS / Math.max(1, pixels * V));
    }

    private void run(int chunk, int perChunk, Body body, int worker) {
        int blocks = blocks(), end = Math.min(count(), (chunk + 1) * perChunk);
        for (int plane = chunk * perChunk; plane < end; plane++) {
            body.run(plane, plane % blocks, plane * pixels * V, worker);
        }
    }

    /// What is done with one channel block, all images of it.
    @FunctionalInterface
    interface BlockBody {

        void run(int block);
    }

    /// Visits the channel blocks, on all threads, for work on a few values of each plane.
    void eachBlock(Workspace workspace, BlockBody body) {
        int perChunk = Math.max(1, BLOCK_CHUNK_FLOATS / Math.max(1, n * V)), blocks = blocks();
        workspace.workers().run((blocks + perChunk - 1) / perChunk, (chunk, _) -> {
            for (int block = chunk * perChunk; block < Math.min(blocks, (chunk + 1) * perChunk); block++) {
                body.run(block);
            }
        });
    }

    /// Writes zeros into the lanes that belong to no channel, after a function that does not leave them zero: the last block of every
    /// image, under a mask.
    static void clearPadding(Storage y, Workspace workspace) {
        Shape shape = y.shape();
        if (!y.layout().isBlocked() || shape.size(1) % V == 0) {
            return;
        }
        int n = shape.size(0), pixels = shape.size(2) * shape.size(3), blocks = Lanes.blocks(shape.size(1));
        float[] ys = y.floats();
        int images = Math.max(1, CHUNK_FLOATS / Math.max(1, pixels * V));
        VectorMask<Float> padding = Lanes.first(shape.size(1) % V).not();
        workspace.workers().run((n + images - 1) / images, (chunk, _) -> {
            for (int in = chunk * images; in < Math.min(n, (chunk + 1) * images); in++) {
                int end = (in + 1) * blocks * pixels * V;
                for (int i = end - pixels * V; i < end; i += V) {
                    Lanes.zero().intoArray(ys, i, padding);
                }
            }
        });
    }

    /// Sums per channel of a value for each plane and lane, in double and in the order of the images: `sums[c]` from `partial[n, c in whole
    /// blocks]`.
    void sumImages(float[] partial, double[] sums) {
        for (int block = 0; block < blocks(); block++) {
            ChannelSums.sum(partial, n, lanes(), block * V, sums);
        }
    }

    /// Values per channel with zeros (or `absent` everywhere, if there are none) for the padding.
    float[] perChannel(@Nullable Storage values, float absent, Workspace workspace, String purpose) {
        float[] padded = workspace.scratch(0, purpose, lanes());
        for (int ic = 0; ic < lanes(); ic++) {
            padded[ic] = ic >= c ? 0f : values == null ? absent : values.floats()[ic];
        }
        return padded;
    }
}
