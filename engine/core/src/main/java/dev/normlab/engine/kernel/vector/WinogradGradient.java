package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.List;

/// A convolution's weight gradient by the adjoint of Winograd's algorithm: with the tiles of the forward pass, for each frequency the
/// matrix product of the transformed inputs `[tile][input channel]` and the transformed gradients `[tile][output channel]` over all tiles
/// of the batch, transformed back to the nine taps at the end.
///
/// A chunk is a slice of the tiles, a range of input channels and a set of pieces of output channels. It takes its tiles in blocks, whose
/// transforms are in the cache together, and adds the products of each block to its sums. The slices, which depend on the sizes and the
/// batch but not on the threads, are added in order.
final class WinogradGradient {

    // Tiles of a block: the sums are read and written once for each block.
    private static final int BLOCK_TILES = 128;

    // Input channels of a range at most: whole tiles and whole vectors.
    private static final int RANGE_CHANNELS = 144;
    private static final int ROUND = 48;

    // Pieces of a set, for which the inputs are transformed once.
    private static final int SET_PIECES = 2;

    // Chunks that there should be, if the slices get at least so many tiles and their sums together at most so many floats.
    private static final int CHUNKS = 8;
    private static final int SLICE_TILES = 96;
    private static final int SLICES_FLOATS = 1 << 21;

    private static final int TILE = TileOuterProducts.CHANNELS;
    private static final int TAPS = 9;
    private static final int[] WHOLE = {0, 0};

    private final WinogradPlan plan;
    private final float[] x;
    private final float[] dOut;
    private final float[] dWeight;
    private final int tiles;
    private final int block;
    private final int ranges;
    private final int rangeChannels;
    private final int perSet;
    private final int sets;
    private final int slices;

    /// The gradient for a batch of at least one image.
    ///
    /// @param plan of the forward pass
    WinogradGradient(WinogradPlan plan, int n, float[] x, float[] dOut, float[] dWeight) {
        this.plan = plan;
        this.x = x;
        this.dOut = dOut;
        this.dWeight = dWeight;
        int inputs = plan.channels.inputs(), pieces = plan.channels.pieces().size();
        this.tiles = n * plan.tiles();
        this.ranges = (inputs + RANGE_CHANNELS - 1) / RANGE_CHANNELS;
        this.rangeChannels = ((inputs + ranges - 1) / ranges + ROUND - 1) / ROUND * ROUND;
        this.perSet = Math.min(SET_PIECES, pieces);
        this.sets = (pieces + perSet - 1) / perSet;
        int parts = ranges * sets, wanted = Math.min((CHUNKS + parts - 1) / parts, tiles / SLICE_TILES);
        this.slices = Math.clamp(SLICES_FLOATS / ((long) parts * chunkFloats()), 1, Math.max(1, wanted));
        int perSlice = (tiles + slices - 1) / slices, blocks = (perSlice + BLOCK_TILES - 1) / BLOCK_TILES;
        this.block = (perSlice + blocks - 1) / blocks;
    }

    // Floats between two frequencies of a piece's sums [channel tile][channel][vector]; a vector more against sets of the cache.
    private int sumStep(Piece piece) {
        return (rangeChannels + TILE - 1) / TILE * TILE * piece.vectors() * V + V;
    }

    private int chunkFloats() {
        return plan.frequencies * sumStep(plan.channels.pieces().getFirst()) * perSet;
    }

    void run(Workspace workspace) {
        int chunks = slices * ranges * sets, length = chunkFloats();
        float[] all = slices > 1 ? workspace.scratch(0, "winograd gradient slices", chunks * length) : new float[0];
        workspace.workers().run(chunks, (chunk, worker) -> {
            int set = chunk % sets, range = chunk / sets % ranges, slice = chunk / sets / ranges;
            float[] sums = slices > 1 ? all : workspace.scratch(worker, "winograd gradient sums", length);
            int at = slices > 1 ? chunk * length : 0;
            sum(range, set, (int) ((long) tiles * slice / slices), (int) ((long) tiles * (slice + 1) / slices), sums, at, workspace,
                    worker);
            if (slices == 1) {
                finish(range, set, sums, at, workspace, worker);
            }
        });
        if (slices > 1) {
            workspace.workers().run(ranges * sets, (part, worker) -> {
                for (int slice = 1; slice < slices; slice++) {
                    ElementLoops.add(all, part * length, all, (slice * ranges * sets + part) * length, length);
                }
                finish(part / sets, part % sets, all, part * length, workspace, worker);
            });
        }
    }

    private List<Piece> pieces(int set) {
        List<Piece> pieces = plan.channels.pieces();
        return pieces.subList(set * perSet, Math.min(pieces.size(), (set + 1) * perSet));
    }

    private int channels(int range) {
        return Math.min(rangeChannels, plan.channels.inputs() - range * rangeChannels);
    }

    // Sums of the tiles from .. to - 1.
    private void sum(int range, int set, int from, int to, float[] sums, int sumsAt, Workspace workspace, int worker) {
        int channels = channels(range), stride = Lanes.blocks(channels) * V, inputStep = block * stride + V;
        float[] inputs = workspace.scratch(worker, "winograd inputs", plan.frequencies * inputStep + TILE);
        float[] scratch = workspace.scratch(worker, "winograd scratch", plan.scratchFloats());
        int gradientWidth = plan.channels.pieces().getFirst().vectors() * block * V + V;
        float[] gradients = workspace.scratch(worker, "winograd gradients", plan.frequencies * gradientWidth);
        float[] tile = workspace.scratch(worker, "convolution tile", TILE * TileProducts.MAX_VECTORS * V);
        for (int first = from; first < to; first += block) {
            int count = Math.min(block, to - first), at = sumsAt;
            plan.transformInputs(x, first, count, range * rangeChannels / V, stride / V, inputs, 0, stride, inputStep, scratch);
            for (Piece piece : pieces(set)) {
                int gradientStep = piece.vectors() * block * V + V;
                transformGradients(piece, first, count, gradients, gradientStep, scratch);
                multiply(piece, channels, first == from, count, inputs, stride, inputStep, gradients, gradientStep, tile, sums, at);
                at += plan.frequencies * sumStep(piece);
            }
        }
    }

    private void multiply(Piece piece, int channels, boolean first, int count, float[] inputs, int stride, int inputStep, float[] gradients,
            int gradientStep, float[] tile, float[] sums, int sumsAt) {
        int tileFloats = TILE * piece.vectors() * V, step = sumStep(piece);
        for (int f = 0; f < plan.frequencies; f++) {
            for (int channel = 0, at = sumsAt + f * step; channel < channels; channel += TILE, at += tileFloats) {
                TileOuterProducts.multiply(TileOuterProducts.CHANNELS, piece.vectors(), inputs, stride, gradients, block * V, WHOLE, 0, 1,
                        f * inputStep + channel, f * gradientStep, count, first ? sums : tile, first ? at : 0);
                if (!first) {
                    ElementLoops.add(sums, at, tile, 0, tileFloats);
                }
            }
        }
    }

    // gradients[frequency][vector][tile]
    private void transformGradients(Piece piece, int first, int count, float[] to, int step, float[] scratch) {
        WinogradTransforms transforms = plan.transforms;
        int m = transforms.outputs(), blocks = Lanes.blocks(plan.channels.outputs()), buffer = transforms.scratchFloats();
        for (int b = 0; b < piece.vectors(); b++) {
            for (int i = 0, run; i < count; i += run) {
                int tile = first + i, plane = (tile / plan.tiles() * blocks + piece.block() + b) * plan.outHeight * plan.outWidth;
                run = plan.run(tile, count - i);
                WinogradPatches.take(dOut, plane, plan.outHeight, plan.outWidth, plan.outputRow(tile), plan.outputColumn(tile), m, run * m,
                        scratch, buffer);
                for (int j = 0; j < run; j++) {
                    transforms.gradient(scratch, buffer + j * m * V, run * m * V, scratch, to, (b * block + i + j) * V, step);
                }
            }
        }
    }

    // Transforms the sums of a range and set back to taps, and brings these to dWeight [o, c, 3, 3].
    private void finish(int range, int set, float[] sums, int sumsAt, Workspace workspace, int worker) {
        float[] scratch = workspace.scratch(worker, "winograd scratch", plan.scratchFloats());
        int at = sumsAt;
        for (Piece piece : pieces(set)) {
            int width = piece.vectors() * V, tapStep = TILE * width, step = sumStep(piece), channels = channels(range);
            float[] taps = workspace.scratch(worker, "winograd taps", TAPS * tapStep);
            for (int channel = 0; channel < channels; channel += TILE) {
                int count = Math.min(TILE, channels - channel);
                for (int i = 0; i < count * width; i += V) {
                    plan.transforms.weightGradient(sums, at + channel * width + i, step, scratch, taps, i, tapStep);
                }
                scatter(piece, range * rangeChannels + channel, count, taps, tapStep);
            }
            at += plan.frequencies * step;
        }
    }

    private void scatter(Piece piece, int firstChannel, int count, float[] taps, int tapStep) {
        int width = piece.vectors() * V, firstOutput = piece.block() * V, outputs = Math.min(width, plan.channels.outputs() - firstOutput);
        for (int io = 0; io < outputs; io++) {
            int write = ((firstOutput + io) * plan.channels.inputs() + firstChannel) * TAPS;
            for (int i = 0; i < count; i++, write += TAPS) {
                int read = i * width + io;
                dWeight[write] = taps[read];
                dWeight[write + 1] = taps[read + tapStep];
                dWeight[write + 2] = taps[read + 2 * tapStep];
                dWeight[write + 3] = taps[read + 3 * tapStep];
                dWeight[write + 4] = taps[read + 4 * tapStep];
                dWeight[write + 5] = taps[read + 5 * tapStep];
                dWeight[write + 6] = taps[read + 6 * tapStep];
                dWeight[write + 7] = taps[read + 7 * tapStep];
                dWeight[write + 8] = taps[read + 8 * tapStep];
            }
        }
    }
}
