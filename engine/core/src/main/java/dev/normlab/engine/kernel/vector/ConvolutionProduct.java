package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Runs one [ConvolutionPlan] over a batch: a convolution's forward pass, or one phase of its input gradient.
///
/// Chunks are pairs of a unit of the plan and a piece of the output channels, and write disjoint outputs. Every result is one sum in the order bias, taps,
/// input channels, whatever the other images, bands or pieces are.
final class ConvolutionProduct {

    private final ConvolutionPlan plan;
    private final int n;
    private final int height;
    private final int width;
    private final float[] x;
    private final float[] weights;
    private final float @Nullable [] bias;
    private final float[] y;
    private final int outPlane;
    private final int outRow;
    private final boolean plainOutput;

    /// @param height  rows of the sum's input `x`
    /// @param width   columns of the sum's input
    /// @param weights packed by [ConvolutionWeights]
    /// @param outPlane pixels of one output plane
    /// @param outWidth columns of one output plane
    ConvolutionProduct(ConvolutionPlan plan, int n, int height, int width, float[] x, float[] weights, float @Nullable [] bias, float[] y, int outPlane,
            int outWidth, boolean plainOutput) {
        this.plan = plan;
        this.n = n;
        this.height = height;
        this.width = width;
        this.x = x;
        this.weights = weights;
        this.bias = bias;
        this.y = y;
        this.outPlane = outPlane;
        this.outRow = plan.rows.every() * outWidth;
        this.plainOutput = plainOutput;
    }

    void run(Workspace workspace) {
        int groups = (n + plan.images - 1) / plan.images;
        int units = groups * plan.bands;
        workspace.workers().run(units * plan.channels.pieces().size(), (chunk, worker) -> {
            int unit = chunk % units;
            piece(plan.channels.pieces().get(chunk / units), unit / plan.bands * plan.images, unit % plan.bands, workspace, worker);
        });
    }

    private void piece(Piece piece, int firstImage, int band, Workspace workspace, int worker) {
        int images = Math.min(plan.images, n - firstImage);
        int stride = plan.channels.stride();
        float[] scratch = workspace.scratch(worker, "convolution image", plan.scratchFloats);
        int firstRow = plan.positions ? 0 : band * plan.bandRows * plan.rows.step() + plan.rows.lowest();
        int firstColumn = plan.positions ? 0 : plan.columns.lowest();
        for (int i = 0; i < images; i++) {
            ScratchImage.copy(x, firstImage + i, plan.channels.inputs(), height, width, plan.channels.plain(), piece.inputBlock(), firstRow, plan.scratchRows,
                    firstColumn, plan.scratchColumns, stride, scratch, i * plan.imageStride);
        }
        int vectors = piece.vectors(), tileFloats = vectors * PIXELS * V;
        int tiles = tilesOf(images, band);
        int together = plan.parts == 1 ? 1 : tiles;
        float[] start = workspace.scratch(worker, "convolution bias", tileFloats);
        fillStart(piece, start);
        float[] sums = workspace.scratch(worker, "convolution sums", together * tileFloats);
        int taps = plan.channels.length() * vectors * V;
        int weightsAt = weightsAt(piece);
        for (int firstTile = 0; firstTile < tiles; firstTile += together) {
            for (int i = 0; i < together; i++) {
                System.arraycopy(start, 0, sums, i * tileFloats, tileFloats);
            }
            for (int part = 0; part < plan.parts; part++) {
                for (int i = 0; i < together; i++) {
                    int tile = firstTile + i;
                    if (plan.outImages[tile * PIXELS] >= images) {
                        continue;
                    }
                    int range = part * plan.classes + plan.tileClasses[tile];
                    TileProducts.multiply(vectors, scratch, plan.pixels, tile * PIXELS, plan.segments, plan.ranges[range], plan.rangeEnds[range], plan.length,
                            weights, weightsAt, taps, sums, i * tileFloats);
                }
            }
            for (int i = 0; i < together; i++) {
                store(piece, firstTile + i, firstImage, images, band, sums, i * tileFloats);
            }
        }
    }

    private int tilesOf(int images, int band) {
        return plan.positions ? plan.tiles : (plan.resultsOfBand(band) * images + PIXELS - 1) / PIXELS;
    }

    private int weightsAt(Piece piece) {
        return piece.weightsAt() * plan.taps * V;
    }

    private void fillStart(Piece piece, float[] start) {
        Arrays.fill(start, 0, piece.vectors() * PIXELS * V, 0f);
        if (bias == null) {
            return;
        }
        for (int b = 0; b < piece.vectors(); b++) {
            int channel = (piece.block() + b) * V;
            for (int lane = 0; lane < Math.min(V, plan.channels.outputs() - channel); lane++) {
                for (int j = 0; j < PIXELS; j++) {
                    start[(b * PIXELS + j) * V + lane] = bias[channel + lane];
                }
            }
        }
    }

    private void store(Piece piece, int tile, int firstImage, int images, int band, float[] sums, int at) {
        int results = plan.positions ? Integer.MAX_VALUE : plan.resultsOfBand(band);
        int blocks = Lanes.blocks(plan.channels.outputs());
        for (int j = 0; j < PIXELS; j++) {
            int image = plan.outImages[tile * PIXELS + j];
            if (image >= images || !plan.positions && tile * PIXELS + j >= results) {
                continue;
            }
            int pixel = plan.outPixels[tile * PIXELS + j] + band * plan.bandRows * outRow;
            if (plainOutput) {
                for (int channel = 0; channel < plan.channels.outputs(); channel++) {
                    y[((firstImage + image) * plan.channels.outputs() + channel) * outPlane + pixel] = sums[at + j * V + channel];
                }
                continue;
            }
            for (int b = 0; b < piece.vectors(); b++) {
                int write = (((firstImage + image) * blocks + piece.block() + b) * outPlane + pixel) * V;
                Lanes.load(sums, at + (b * PIXELS + j) * V).intoArray(y, write);
            }
        }
    }
}
