package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;

/// Where the tiles of a Winograd convolution lie: a correlation with a 3x3 kernel and stride 1 of an input `[n, inputs, height, width]`,
/// with `padTop` rows and `padLeft` columns of zeros before it, to an output `[n, outputs, outHeight, outWidth]`.
///
/// Tiles are numbered over the rows, the columns and then the images. A *unit* is a run of neighbouring tiles, of one image or several,
/// whose transformed inputs and sums are in scratch memory at the same time.
///
/// @param transforms the algorithm
final class WinogradPlan {

    /// Tiles of a full unit, a multiple of those of one product. What they need fits the second-level cache for up to 128 channels; beyond
    /// that weights come from far away, so that they should serve many tiles. Between 12 and 96 the time hardly changes.
    static final int UNIT_TILES = 48;

    // Tiles side by side that are copied together: their pixels fit the first-level cache.
    private static final int MAX_RUN = 8;

    final WinogradTransforms transforms;
    final ChannelGroups channels;
    final int height;
    final int width;
    final int padTop;
    final int padLeft;
    final int outHeight;
    final int outWidth;
    final int tileRows;
    final int tileColumns;

    /// Products of a tile for each pair of channels.
    final int frequencies;

    /// Floats of the transformed inputs of one tile and frequency.
    final int inputStride;

    private WinogradPlan(WinogradTransforms transforms, int inputs, int outputs, int height, int width, int padTop, int padLeft,
            int outHeight, int outWidth) {
        this.transforms = transforms;
        this.channels = ChannelGroups.of(inputs, outputs, 1, false, TileProducts.MAX_VECTORS);
        this.height = height;
        this.width = width;
        this.padTop = padTop;
        this.padLeft = padLeft;
        this.outHeight = outHeight;
        this.outWidth = outWidth;
        int m = transforms.outputs();
        this.tileRows = (outHeight + m - 1) / m;
        this.tileColumns = (outWidth + m - 1) / m;
        this.frequencies = transforms.frequencies() * transforms.frequencies();
        this.inputStride = Lanes.blocks(inputs) * V;
    }

    /// The plan of a convolution's forward pass.
    static WinogradPlan forward(WinogradTransforms transforms, Conv2dSizes s) {
        return new WinogradPlan(transforms, s.c(), s.o(), s.h(), s.w(), s.padTop(), s.padLeft(), s.oh(), s.ow());
    }

    /// The plan of a convolution's input gradient, which is the correlation of the output's gradient with the kernels turned by 180
    /// degrees.
    static WinogradPlan backward(WinogradTransforms transforms, Conv2dSizes s) {
        return new WinogradPlan(transforms, s.o(), s.c(), s.oh(), s.ow(), 2 - s.padTop(), 2 - s.padLeft(), s.h(), s.w());
    }

    /// Tiles of one image.
    int tiles() {
        return tileRows * tileColumns;
    }

    /// The first input row of a tile; negative or beyond the image where it reaches into the padding.
    int inputRow(int tile) {
        return tile / tileColumns % tileRows * transforms.outputs() - padTop + transforms.firstInput();
    }

    /// The first input column of a tile.
    int inputColumn(int tile) {
        return tile % tileColumns * transforms.outputs() - padLeft + transforms.firstInput();
    }

    /// The first output row of a tile.
    int outputRow(int tile) {
        return tile / tileColumns % tileRows * transforms.outputs();
    }

    /// The first output column of a tile.
    int outputColumn(int tile) {
        return tile % tileColumns * transforms.outputs();
    }

    /// Floats of scratch memory for the transforms: theirs, and behind it a buffer for the pixels of a run of tiles.
    int scratchFloats() {
        int t = transforms.inputs(), m = transforms.outputs();
        return transforms.scratchFloats() + Math.max(t, m) * (MAX_RUN * m + t) * V;
    }

    /// Tiles from tile `tile` on that lie side by side in one row of tiles, at most `count`.
    int run(int tile, int count) {
        return Math.min(Math.min(count, MAX_RUN), tileColumns - tile % tileColumns);
    }

    /// Transforms the inputs of `count` tiles from tile `first` on, of `blocks` channel blocks from `firstBlock` on, to
    /// `[frequency][tile][channel]` at `at` with `stride` floats between tiles and `step` between frequencies.
    void transformInputs(float[] x, int first, int count, int firstBlock, int blocks, float[] to, int at, int stride, int step,
            float[] scratch) {
        int t = transforms.inputs(), m = transforms.outputs(), buffer = transforms.scratchFloats();
        for (int block = 0; block < blocks; block++) {
            for (int i = 0, run; i < count; i += run) {
                int tile = first + i, plane = (tile / tiles() * (inputStride / V) + firstBlock + block) * height * width;
                run = run(tile, count - i);
                int columns = (run - 1) * m + t;
                WinogradPatches.take(x, plane, height, width, inputRow(tile), inputColumn(tile), t, columns, scratch, buffer);
                for (int j = 0; j < run; j++) {
                    transforms.input(scratch, buffer + j * m * V, columns * V, scratch, to, at + (i + j) * stride + block * V, step);
                }
            }
        }
    }
}
