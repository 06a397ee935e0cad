package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs one [WinogradPlan] over a batch: a convolution's forward pass or its input gradient.
///
/// A unit is a few tiles. Its inputs are transformed to `[frequency][tile][input channel]`; then, for one piece of the output channels
/// after the other, they are multiplied with the transformed weights, which gives `[frequency][group of six tiles][vector][tile]`, and
/// these sums are transformed back while they are in the cache. Every sum runs over all input channels in order, whatever the unit, so a
/// result depends on its own tile only.
///
/// Where the transformed weights fit the last-level cache, a chunk is a unit and a set of pieces. Where they do not, as with 512 x 512
/// channels, every unit would read them from memory: then the inputs of several units are transformed first, and all of these units take
/// the weights of one piece before the next.
final class WinogradProduct {

    // Chunks that a batch should give, if it can, for the sake of the threads.
    private static final int MIN_CHUNKS = 8;

    // Output channels for which it pays to transform the inputs once more.
    private static final int SET_OUTPUTS = 256;

    // Floats of transformed weights that stay in the last-level cache while units pass.
    private static final int KEPT_WEIGHTS = 4 << 20;

    // Units whose inputs are transformed together where weights do not stay.
    private static final int UNITS_TOGETHER = 4;

    private final WinogradPlan plan;
    private final float[] x;
    private final float[] weights;
    private final float @Nullable [] bias;
    private final @Nullable Epilogue epilogue;
    private final float[] y;

    private final int tiles;
    private final boolean byPieces;
    private final int unitTiles;
    private final int units;
    private final int inputStep;
    private final int[] frequencies;
    private final int[] places;

    /// @param weights transformed by [WinogradWeights]
    /// @param epilogue what is done with outputs when they are complete
    WinogradProduct(WinogradPlan plan, int n, float[] x, float[] weights, float @Nullable [] bias, @Nullable Epilogue epilogue, float[] y) {
        this.plan = plan;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.epilogue = epilogue;
        this.y = y;
        this.tiles = n * plan.tiles();
        this.byPieces = (long) plan.frequencies * plan.channels.length() * plan.channels.outputs() > KEPT_WEIGHTS;
        int fair = byPieces ? tiles : tiles / MIN_CHUNKS;
        this.unitTiles = Math.clamp((fair + PIXELS - 1) / PIXELS * PIXELS, PIXELS, WinogradPlan.UNIT_TILES);
        this.units = (tiles + unitTiles - 1) / unitTiles;
        // A vector more than needed: frequencies a power of two apart would fall into the same sets of the cache.
        this.inputStep = unitTiles * plan.inputStride + V;
        this.frequencies = new int[2 * plan.frequencies * (byPieces ? UNITS_TOGETHER : 1)];
        for (int i = 0; i < frequencies.length / 2; i++) {
            frequencies[2 * i] = i * inputStep;
            frequencies[2 * i + 1] = i % plan.frequencies;
        }
        this.places = new int[unitTiles];
        for (int i = 0; i < unitTiles; i++) {
            places[i] = i * plan.inputStride;
        }
    }

    void run(Workspace workspace) {
        if (byPieces) {
            for (int unit = 0; unit < units; unit += UNITS_TOGETHER) {
                runPieces(unit, Math.min(UNITS_TOGETHER, units - unit), workspace);
            }
            return;
        }
        List<Piece> pieces = plan.channels.pieces();
        int perSet = Math.max(1, SET_OUTPUTS / (pieces.getFirst().vectors() * V)), most = (pieces.size() + perSet - 1) / perSet;
        int sets = units == 0 ? 1 : Math.clamp(MIN_CHUNKS / units, 1, most);
        workspace.workers().run(units * sets, (chunk, worker) -> {
            int unit = chunk / sets, set = chunk % sets;
            float[] transformed = workspace.scratch(worker, "winograd inputs", plan.frequencies * inputStep);
            float[] scratch = workspace.scratch(worker, "winograd scratch", plan.scratchFloats());
            plan.transformInputs(x, unit * unitTiles, count(unit), 0, plan.inputStride / V, transformed, 0, plan.inputStride, inputStep,
                    scratch);
            for (Piece piece : pieces.subList(pieces.size() * set / sets, pieces.size() * (set + 1) / sets)) {
                piece(piece, unit, 0, transformed, scratch, workspace, worker);
            }
        });
    }

    // All pieces of the units first .. first + together - 1.
    private void runPieces(int first, int together, Workspace workspace) {
        int blocks = plan.inputStride / V, unitFloats = plan.frequencies * inputStep;
        float[] transformed = workspace.scratch(0, "winograd inputs of units", together * unitFloats);
        workspace.workers().run(together * blocks, (chunk, worker) -> {
            int slot = chunk / blocks, unit = first + slot, block = chunk % blocks;
            plan.transformInputs(x, unit * unitTiles, count(unit), block, 1, transformed, slot * unitFloats + block * V, plan.inputStride,
                    inputStep, workspace.scratch(worker, "winograd scratch", plan.scratchFloats()));
        });
        List<Piece> pieces = plan.channels.pieces();
        workspace.workers().run(pieces.size() * together, (chunk, worker) -> piece(pieces.get(chunk / together), first + chunk % together,
                chunk % together, transformed, workspace.scratch(worker, "winograd scratch", plan.scratchFloats()), workspace, worker));
    }

    /// Tiles of a unit.
    private int count(int unit) {
        return Math.min(unitTiles, tiles - unit * unitTiles);
    }

    // A piece of the outputs of a unit, whose transformed inputs are the ones at `slot`.
    private void piece(Piece piece, int unit, int slot, float[] transformed, float[] scratch, Workspace workspace, int worker) {
        int count = count(unit), groups = (count + PIXELS - 1) / PIXELS, sumStep = groups * piece.vectors() * PIXELS * V + V;
        float[] sums = workspace.scratch(worker, "winograd sums", plan.frequencies * sumStep);
        multiply(piece, groups, transformed, slot * plan.frequencies, sums, sumStep);
        transformOutputs(piece, unit * unitTiles, count, sums, sumStep, scratch, workspace, worker);
    }

    // The last group may hold tiles of an earlier unit or none; what is computed for them is not used.
    private void multiply(Piece piece, int groups, float[] transformed, int segment, float[] sums, int sumStep) {
        int weightStep = WinogradWeights.step(plan, piece), weightsAt = WinogradWeights.at(plan, piece);
        for (int f = 0; f < plan.frequencies; f++) {
            for (int group = 0; group < groups; group++) {
                TileProducts.multiply(piece.vectors(), transformed, places, group * PIXELS, frequencies, segment + f, segment + f + 1,
                        plan.channels.length(), weights, weightsAt, weightStep, sums,
                        f * sumStep + group * piece.vectors() * PIXELS * V);
            }
        }
    }

    private void transformOutputs(Piece piece, int first, int count, float[] sums, int step, float[] scratch, Workspace workspace,
            int worker) {
        WinogradTransforms transforms = plan.transforms;
        int m = transforms.outputs(), blocks = Lanes.blocks(plan.channels.outputs()), buffer = transforms.scratchFloats();
        float[] biases = workspace.scratch(worker, "convolution bias", piece.vectors() * V);
        fillBiases(piece, biases);
        for (int b = 0; b < piece.vectors(); b++) {
            for (int i = 0, run; i < count; i += run) {
                int tile = first + i, plane = (tile / plan.tiles() * blocks + piece.block() + b) * plan.outHeight * plan.outWidth;
                run = plan.run(tile, count - i);
                for (int j = i; j < i + run; j++) {
                    int at = ((j / PIXELS * piece.vectors() + b) * PIXELS + j % PIXELS) * V;
                    transforms.output(sums, at, step, biases, b * V, scratch, scratch, buffer + (j - i) * m * V, run * m * V);
                }
                int channels = Lanes.channelsInBlock(plan.channels.outputs(), piece.block() + b);
                if (channels < V) { // lanes without a channel have weights of zero, and zero times infinity is NaN
                    Lanes.keepFirst(channels, scratch, buffer, buffer + run * m * m * V);
                }
                int row = plan.outputRow(tile), column = plan.outputColumn(tile);
                WinogradPatches.put(scratch, buffer, m, run * m, y, plane, plan.outHeight, plan.outWidth, row, column);
                if (epilogue != null) {
                    epilogue.run(tile / plan.tiles(), piece.block() + b, row, column, Math.min(m, plan.outHeight - row),
                            Math.min(run * m, plan.outWidth - column), plan.outWidth);
                }
            }
        }
    }

    private void fillBiases(Piece piece, float[] biases) {
        for (int lane = 0; lane < piece.vectors() * V; lane++) {
            int channel = piece.block() * V + lane;
            biases[lane] = bias != null && channel < plan.channels.outputs() ? bias[channel] : 0f;
        }
    }
}
