package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs one [ConvolutionPlan] over a batch: a convolution's forward pass, or one phase of its input gradient.
///
/// Chunks are pairs of a unit of the plan and a few pieces of the output channels, and write disjoint outputs. Every result is one sum in
/// the order of the taps and input channels, in parts if the weights are large, plus the bias, whatever the other images, bands or pieces
/// are.
final class ConvolutionProduct {

    private static final int TOGETHER_FLOATS = 150 * 1024;
    private static final int MIN_CHUNKS = 8;
    private static final int MIN_TILES = 4;

    private final ConvolutionPlan plan;
    private final int n;
    private final int height;
    private final int width;
    private final float[] x;
    private final float[] weights;
    private final float @Nullable [] bias;
    private final @Nullable Epilogue epilogue;
    private final float[] y;
    private final int outPlane;
    private final int outRow;
    private final boolean plainOutput;

    /// @param height  rows of the sum's input `x`
    /// @param width   columns of the sum's input
    /// @param weights packed by [ConvolutionWeights]
    /// @param epilogue what is done with outputs when they are complete; only for the one plan of a forward pass
    /// @param outPlane pixels of one output plane
    /// @param outWidth columns of one output plane
    ConvolutionProduct(ConvolutionPlan plan, int n, int height, int width, float[] x, float[] weights, float @Nullable [] bias,
            @Nullable Epilogue epilogue, float[] y, int outPlane, int outWidth, boolean plainOutput) {
        this.plan = plan;
        this.n = n;
        this.height = height;
        this.width = width;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.epilogue = epilogue;
        this.y = y;
        this.outPlane = outPlane;
        this.outRow = plan.rows.every() * outWidth;
        this.plainOutput = plainOutput;
    }

    void run(Workspace workspace) {
        if (n == 0) {
            return;
        }
        int units = (n + plan.images - 1) / plan.images * plan.bands;
        List<Piece> pieces = plan.channels.pieces();
        int together = piecesTogether();
        int sets = (pieces.size() + together - 1) / together;
        int splits = splits(units * sets);
        workspace.workers().run(units * sets * splits, (chunk, worker) -> {
            int split = chunk % splits, unit = chunk / splits % units, firstPiece = chunk / splits / units * together;
            int firstImage = unit / plan.bands * plan.images, band = unit % plan.bands;
            float[] scratch = workspace.scratch(worker, "convolution image", plan.scratchFloats());
            if (plan.hasProducts()) {
                copyImages(pieces.get(firstPiece), firstImage, band, scratch);
            }
            TileList tiles = plan.tiles(Math.min(plan.images, n - firstImage), band);
            int from = (int) ((long) tiles.count() * split / splits), to = (int) ((long) tiles.count() * (split + 1) / splits);
            for (int i = firstPiece; i < Math.min(pieces.size(), firstPiece + together); i++) {
                piece(pieces.get(i), tiles, from, to, firstImage, band, scratch, workspace, worker);
                if (splits == 1) {
                    finish(pieces.get(i), firstImage, Math.min(plan.images, n - firstImage), band);
                }
            }
        });
        if (splits > 1) {
            for (int chunk = 0; chunk < units * pieces.size(); chunk++) {
                int unit = chunk % units, firstImage = unit / plan.bands * plan.images;
                finish(pieces.get(chunk / units), firstImage, Math.min(plan.images, n - firstImage), unit % plan.bands);
            }
        }
    }

    // The outputs of a unit (its images, the rows of its band) and this piece's blocks are written and, if one chunk wrote them all, still
    // in the cache.
    private void finish(Piece piece, int firstImage, int images, int band) {
        int bandPixels = plan.bandRows * outRow, from = band * bandPixels, to = Math.min(outPlane, from + bandPixels);
        for (int image = firstImage; image < firstImage + images; image++) {
            for (int block = piece.block(); block < piece.block() + piece.vectors(); block++) {
                clearPadding(image, block, from, to);
                if (epilogue != null) {
                    epilogue.run(image, block, from, to);
                }
            }
        }
    }

    // Lanes without a channel have weights of zero, and zero times infinity is NaN.
    private void clearPadding(int image, int block, int from, int to) {
        int outputs = plan.channels.outputs(), channels = Lanes.channelsInBlock(outputs, block);
        if (channels < V && !plainOutput) {
            int plane = (image * Lanes.blocks(outputs) + block) * outPlane;
            Lanes.keepFirst(channels, y, (plane + from) * V, (plane + to) * V);
        }
    }

    // Pieces whose weights fit the second-level cache together share the copied images.
    private int piecesTogether() {
        int pieceFloats = plan.channels.length() * plan.taps * plan.channels.pieces().getFirst().vectors() * V;
        return plan.channels.groups() == 1 ? Math.max(1, TOGETHER_FLOATS / pieceFloats) : 1;
    }

    // A few images do not make work for all threads: then the tiles of a unit are split, too, which changes no result.
    private int splits(int chunks) {
        int tiles = plan.tiles(Math.min(plan.images, n), 0).count();
        return Math.clamp(MIN_CHUNKS / chunks, 1, Math.max(1, tiles / MIN_TILES));
    }

    private void copyImages(Piece piece, int firstImage, int band, float[] scratch) {
        int firstRow = plan.firstRow + band * plan.bandRows * plan.rows.step();
        for (int i = 0; i < Math.min(plan.images, n - firstImage); i++) {
            ScratchImage.copy(x, firstImage + i, plan.channels.inputs(), height, width, plan.channels.plain(), piece.inputBlock(), firstRow,
                    plan.rows.copyStep(), plan.scratchRows, plan.firstColumn, plan.columns.copyStep(), plan.scratchColumns,
                    plan.channels.stride(), scratch, i * plan.imageStride);
        }
    }

    // Tiles from .. to - 1 of a unit.
    private void piece(Piece piece, TileList tiles, int from, int to, int firstImage, int band, float[] scratch, Workspace workspace,
            int worker) {
        int tileFloats = piece.vectors() * PIXELS * V;
        int together = plan.parts == 1 ? 1 : to - from;
        float[] biases = workspace.scratch(worker, "convolution bias", piece.vectors() * V);
        fillBiases(piece, biases);
        if (plan.parts == 1 && !plainOutput) {
            for (int tile = from; tile < to; tile++) {
                multiplyAndStore(piece, tiles, tile, firstImage, band, scratch, biases);
            }
            return;
        }
        // The sums of all tiles, and behind them those of one tile and one part.
        float[] sums = workspace.scratch(worker, "convolution sums", (together + 1) * tileFloats);
        for (int firstTile = from; firstTile < to; firstTile += together) {
            for (int part = 0; part < plan.parts; part++) {
                for (int i = 0; i < together; i++) {
                    multiply(piece, tiles, firstTile + i, part, scratch, sums, part == 0 ? i * tileFloats : together * tileFloats);
                    if (part > 0) {
                        ElementLoops.add(sums, i * tileFloats, sums, together * tileFloats, tileFloats);
                    }
                }
            }
            for (int i = 0; i < together; i++) {
                store(piece, tiles, firstTile + i, firstImage, band, sums, i * tileFloats, biases);
            }
        }
    }

    private void multiply(Piece piece, TileList tiles, int tile, int part, float[] scratch, float[] sums, int at) {
        int tileClass = tiles.classes[tile], range = part * plan.classes + tileClass;
        TileProducts.multiply(piece.vectors(), scratch, tiles.pixels, tile * PIXELS, plan.segments, plan.ranges[range],
                plan.rangeEnds[range], plan.lengths[tileClass], weights, piece.weightsAt() * plan.taps * V,
                plan.channels.length() * piece.vectors() * V, sums, at);
    }

    private void multiplyAndStore(Piece piece, TileList tiles, int tile, int firstImage, int band, float[] scratch, float[] biases) {
        int tileClass = tiles.classes[tile];
        int yAt = (firstImage * plan.outImagePixels() + piece.block() * outPlane + band * plan.bandRows * outRow) * V;
        TileProducts.store(piece.vectors(), scratch, tiles.pixels, tile * PIXELS, plan.segments, plan.ranges[tileClass],
                plan.rangeEnds[tileClass], plan.lengths[tileClass], weights, piece.weightsAt() * plan.taps * V,
                plan.channels.length() * piece.vectors() * V, biases, y, yAt, outPlane * V, tiles.places, tile * PIXELS);
    }

    private void fillBiases(Piece piece, float[] biases) {
        for (int lane = 0; lane < piece.vectors() * V; lane++) {
            int channel = piece.block() * V + lane;
            biases[lane] = bias != null && channel < plan.channels.outputs() ? bias[channel] : 0f;
        }
    }

    private void store(Piece piece, TileList tiles, int tile, int firstImage, int band, float[] sums, int at, float[] biases) {
        int outputs = plan.channels.outputs(), blocks = Lanes.blocks(outputs);
        for (int j = 0; j < PIXELS; j++) {
            int image = tiles.outImages[tile * PIXELS + j];
            if (image == TileList.ABSENT) {
                continue;
            }
            int pixel = tiles.outPixels[tile * PIXELS + j] + band * plan.bandRows * outRow;
            if (plainOutput) {
                for (int channel = 0; channel < outputs; channel++) {
                    y[((firstImage + image) * outputs + channel) * outPlane + pixel] = sums[at + j * V + channel] + biases[channel];
                }
                continue;
            }
            for (int b = 0; b < piece.vectors(); b++) {
                int write = (((firstImage + image) * blocks + piece.block() + b) * outPlane + pixel) * V;
                Lanes.load(sums, at + (b * PIXELS + j) * V).add(Lanes.load(biases, b * V)).intoArray(y, write);
            }
        }
    }
}
