package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

/// Where one convolution-like sum reads and writes: offsets of all tiles and taps, worked out once for each set of sizes and never for a batch size.
///
/// The unit of work is a *unit*: a band of output rows of one image, or, for small maps, the whole maps of a group of images. Its input is copied into a
/// scratch image whose pixels hold all input channels side by side; [TileProducts] then sums tiles of six output pixels.
///
/// - *Bands* (large maps): the scratch image has a frame of zeros where the kernel reaches over the border; tiles run over the rows of the band end to end.
/// - *Positions* (small maps): a tile is the same output pixel of six images, so taps that fall outside the image are left out instead of multiplying zeros:
///   on a 4x4 map a 3x3 kernel needs 100 of its 144 products, on a 2x2 map 16 of 36.
final class ConvolutionPlan {

    // Results per band at least, so that packing and weights are well shared.
    private static final int BAND_PIXELS = 256;

    // Floats of a scratch image that should stay in the second-level cache.
    private static final int SCRATCH_FLOATS = 96 * 1024;

    // Floats of weights that should stay in the second-level cache while all tiles of a unit pass.
    private static final int WEIGHT_FLOATS = 80 * 1024;

    // Maps up to this many results may be done by positions, if that leaves out products worth it.
    private static final int POSITION_PIXELS = 64;

    private static final double POSITION_SHARE = 0.96;

    private static final int ABSENT = Integer.MAX_VALUE;

    final TapAxis rows;
    final TapAxis columns;
    final ChannelGroups channels;
    final boolean positions;

    /// Images of a full unit.
    final int images;

    /// Output rows of a full unit, and the number of units per image.
    final int bandRows;
    final int bands;

    /// Rows and columns of the scratch image, frame included, and floats between two images.
    final int scratchRows;
    final int scratchColumns;
    final int imageStride;

    /// Floats of scratch memory for a unit.
    final int scratchFloats;

    /// Tiles of a full unit; for each of their pixels the offset in the scratch image, the image of the unit (`ABSENT` if none) and the output pixel.
    final int tiles;
    final int[] pixels;
    final int[] outImages;
    final int[] outPixels;

    /// Input values per segment, and how many input channels one step of a segment's second number skips in the weights.
    final int length;

    /// Segments: pairs of offset and tap; tile class `k` of weight part `p` uses those from `ranges[p * classes + k]` to `rangeEnds[p * classes + k]`.
    final int[] segments;
    final int[] ranges;
    final int[] rangeEnds;
    final int parts;
    final int classes;
    final int[] tileClasses;

    /// Taps of the whole kernel.
    final int taps;

    /// A plan for one sum.
    ///
    /// @param kernelRows    rows of the kernel
    /// @param kernelColumns columns of the kernel, by which taps are numbered
    /// @param height        rows of the input
    /// @param width         columns of the input
    /// @param outWidth      columns of the whole output
    ConvolutionPlan(TapAxis rows, TapAxis columns, ChannelGroups channels, int kernelRows, int kernelColumns, int height, int width,
            int outWidth) {
        this.taps = kernelRows * kernelColumns;
        this.rows = rows;
        this.columns = columns;
        this.channels = channels;
        int results = rows.count() * columns.count();
        int mapRows = rows.isSingle() ? rows.count() : height, mapColumns = columns.isSingle() ? columns.count() : width;
        int imageFloats = mapRows * mapColumns * channels.stride();
        this.positions = imageFloats <= SCRATCH_FLOATS && positionsPay(rows, columns, height, width);
        int rowTaps = rows.offsets().length, columnTaps = columns.offsets().length;
        int tapsPerPart = Math.max(1, WEIGHT_FLOATS / (channels.length() * channels.pieces().getFirst().vectors() * Lanes.V));
        if (positions) {
            this.length = channels.length();
            this.bandRows = rows.count();
            this.bands = 1;
            this.images = PIXELS * Math.clamp(SCRATCH_FLOATS / (PIXELS * imageFloats), 1, 4);
            this.scratchRows = mapRows;
            this.scratchColumns = mapColumns;
            // A little apart, so that six images do not share the same sets of the cache.
            this.imageStride = imageFloats + 16;
            this.scratchFloats = images * imageStride;
            this.classes = results;
            this.tiles = results * images / PIXELS;
        } else {
            // Where pixels hold nothing but what is summed, the taps of a row of the kernel make one run.
            boolean merged = channels.length() == channels.stride() && columnTaps > 1 && columns.isDense();
            this.length = merged ? channels.length() * columnTaps : channels.length();
            this.images = 1;
            this.scratchColumns = columns.span(columns.count());
            int span = rows.highest() - rows.lowest() + 1;
            int fitting = (SCRATCH_FLOATS / (scratchColumns * channels.stride()) - span) / rows.scratchStep() + 1;
            int wanted = (BAND_PIXELS + columns.count() - 1) / columns.count();
            this.bandRows = Math.clamp(Math.min(fitting, wanted), 1, rows.count());
            this.bands = (rows.count() + bandRows - 1) / bandRows;
            this.scratchRows = rows.span(bandRows);
            this.imageStride = scratchRows * scratchColumns * channels.stride();
            this.scratchFloats = imageStride;
            this.classes = 1;
            this.tiles = (bandRows * columns.count() + PIXELS - 1) / PIXELS;
        }
        int rowSegments = length == channels.length() ? columnTaps : 1;
        int rowsPerPart = Math.max(1, tapsPerPart / Math.max(1, columnTaps));
        this.parts = Math.max(1, (rowTaps + rowsPerPart - 1) / rowsPerPart);
        this.segments = new int[2 * classes * rowTaps * rowSegments];
        this.ranges = new int[parts * classes];
        this.rangeEnds = new int[parts * classes];
        this.pixels = new int[tiles * PIXELS];
        this.outImages = new int[tiles * PIXELS];
        this.outPixels = new int[tiles * PIXELS];
        this.tileClasses = new int[tiles];
        if (positions) {
            placePositions(outWidth);
        } else {
            placeBand(outWidth);
        }
        placeSegments(kernelColumns, height, width, rowSegments, rowsPerPart);
    }

    /// Whether the map is small and padding makes enough of the products superfluous.
    static boolean positionsPay(TapAxis rows, TapAxis columns, int height, int width) {
        int results = rows.count() * columns.count();
        long inTiles = (long) (results + PIXELS - 1) / PIXELS * PIXELS * rows.offsets().length * columns.offsets().length;
        return results <= POSITION_PIXELS && (long) rows.products(height) * columns.products(width) < POSITION_SHARE * inTiles;
    }

    private void placePositions(int outWidth) {
        int imageTiles = images / PIXELS;
        for (int tile = 0; tile < tiles; tile++) {
            int position = tile / imageTiles;
            tileClasses[tile] = position;
            for (int j = 0; j < PIXELS; j++) {
                int image = tile % imageTiles * PIXELS + j;
                pixels[tile * PIXELS + j] = image * imageStride;
                outImages[tile * PIXELS + j] = image;
                outPixels[tile * PIXELS + j] = outPixel(position / columns.count(), position % columns.count(), outWidth);
            }
        }
    }

    private void placeBand(int outWidth) {
        int results = bandRows * columns.count();
        for (int q = 0; q < pixels.length; q++) {
            int result = Math.min(q, results - 1);
            int row = result / columns.count(), column = result % columns.count();
            pixels[q] = (row * rows.scratchStep() * scratchColumns + column * columns.scratchStep()) * channels.stride();
            outImages[q] = q < results ? 0 : ABSENT;
            outPixels[q] = outPixel(row, column, outWidth);
        }
    }

    private int outPixel(int row, int column, int outWidth) {
        return (rows.first() + row * rows.every()) * outWidth + columns.first() + column * columns.every();
    }

    private void placeSegments(int kernelColumns, int height, int width, int rowSegments, int rowsPerPart) {
        int at = 0;
        for (int part = 0; part < parts; part++) {
            int lastRow = Math.min(rows.offsets().length, (part + 1) * rowsPerPart);
            for (int k = 0; k < classes; k++) {
                ranges[part * classes + k] = at;
                for (int t = part * rowsPerPart; t < lastRow; t++) {
                    for (int u = 0; u < rowSegments; u++) {
                        int row = rows.offsets()[t] + (positions ? k / columns.count() * rows.step() : 0);
                        int column = columns.offsets()[u] + (positions ? k % columns.count() * columns.step() : 0);
                        if (positions && (row < 0 || row >= height || column < 0 || column >= width)) {
                            continue;
                        }
                        int scratchRow = (row - firstRow()) / rows.copyStep(), scratchColumn = (column - firstColumn()) / columns.copyStep();
                        segments[2 * at] = (scratchRow * scratchColumns + scratchColumn) * channels.stride();
                        segments[2 * at + 1] = rows.taps()[t] * kernelColumns + columns.taps()[u];
                        at++;
                    }
                }
                rangeEnds[part * classes + k] = at;
            }
        }
    }

    /// The input row of the first row of the scratch image of the first band.
    int firstRow() {
        return positions && !rows.isSingle() ? 0 : rows.lowest();
    }

    /// The input column of the first column of the scratch image.
    int firstColumn() {
        return positions && !columns.isSingle() ? 0 : columns.lowest();
    }

    /// Whether any tap meets any result.
    boolean hasProducts() {
        return segments.length > 0;
    }

    /// How many results the band starting at this output row has: the last band of an image may be shorter.
    int resultsOfBand(int band) {
        return Math.min(bandRows, rows.count() - band * bandRows) * columns.count();
    }
}
