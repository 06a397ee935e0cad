package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Where one convolution-like sum reads and writes: offsets of all tiles and taps, worked out once for each set of sizes and never for a
/// batch size.
///
/// The unit of work is a *unit*. Its input is copied into scratch images whose pixels hold all input channels side by side; [TileProducts]
/// then sums tiles of six output pixels.
///
/// - *Maps*: a unit is the whole maps of a few images. Results are sorted by the taps that meet the image ([AxisClasses]), and a tile's
///   results are of one class, whatever their images and places; so products with padding are left out. On a 4x4 map a 3x3 kernel needs 100
///   of its 144 products, on a 2x2 map 16 of 36, and tiles are full even where a map has fewer than six pixels.
/// - *Bands*: a unit is a band of output rows of one image. The scratch image has a frame of zeros where the kernel reaches over the
///   border. This is for maps that are too large for the cache or have too little padding to matter.
final class ConvolutionPlan {

    // Results per band at least, so that packing and weights are well shared.
    private static final int BAND_PIXELS = 256;

    // Floats of scratch images that should stay in the second-level cache.
    private static final int SCRATCH_FLOATS = 96 * 1024;

    // Floats of weights that should stay in the second-level cache while all tiles of a unit pass.
    private static final int WEIGHT_FLOATS = 80 * 1024;

    // Maps are chosen if they leave out at least this share of the products.
    private static final double MAPS_PAY = 0.03;

    private static final int MAX_IMAGES = 48;

    // Tiles with all taps that the weights should serve before the next come from memory.
    private static final int SHARED_TILES = 8;

    final TapAxis rows;
    final TapAxis columns;
    final AxisClasses rowClasses;
    final AxisClasses columnClasses;
    final ChannelGroups channels;

    /// Taps of the whole kernel.
    final int taps;

    /// Whether units are whole maps rather than bands.
    final boolean maps;

    /// Images of a full unit.
    final int images;

    /// Output rows of a full unit, and the number of units per image.
    final int bandRows;
    final int bands;

    /// Rows and columns of the scratch image, frame included, and floats between two images.
    final int scratchRows;
    final int scratchColumns;
    final int imageStride;

    /// The input position of the first row and column of the scratch image of the first band.
    final int firstRow;
    final int firstColumn;

    /// Segments: pairs of offset and first tap, each `lengths[class]` inputs long. Tiles of class `k` use in weight part `p` those from
    /// `ranges[p * classes + k]` to `rangeEnds[p * classes + k]`.
    final int[] segments;
    final int[] lengths;
    final int[] ranges;
    final int[] rangeEnds;
    final int parts;
    final int classes;

    private final int outHeight;
    private final int outWidth;
    private final Map<Integer, TileList> tileLists = new ConcurrentHashMap<>();

    /// A plan for one sum.
    ///
    /// @param kernelRows    rows of the kernel
    /// @param kernelColumns columns of the kernel, by which taps are numbered
    /// @param height        rows of the input
    /// @param width         columns of the input
    /// @param outHeight     rows of the whole output
    /// @param outWidth      columns of the whole output
    ConvolutionPlan(TapAxis rows, TapAxis columns, ChannelGroups channels, int kernelRows, int kernelColumns, int height, int width,
            int outHeight, int outWidth) {
        this.taps = kernelRows * kernelColumns;
        this.rows = rows;
        this.columns = columns;
        this.channels = channels;
        this.outHeight = outHeight;
        this.outWidth = outWidth;
        int mapRows = rows.isSingle() ? rows.count() : height, mapColumns = columns.isSingle() ? columns.count() : width;
        int mapFloats = mapRows * mapColumns * channels.stride();
        this.maps = mapsPay(rows, columns, height, width, mapFloats);
        this.rowClasses = maps ? AxisClasses.of(rows, height) : AxisClasses.whole(rows);
        this.columnClasses = maps ? AxisClasses.of(columns, width) : AxisClasses.whole(columns);
        this.classes = rowClasses.taps().size() * columnClasses.taps().size();
        if (maps) {
            this.images = images(rows, columns, height, width, mapFloats);
            this.bandRows = rows.count();
            this.scratchRows = mapRows;
            this.scratchColumns = mapColumns;
            // A little apart, so that the same pixel of six images does not meet the same sets of the cache.
            this.imageStride = mapFloats + 16;
        } else {
            this.images = 1;
            this.scratchColumns = columns.span(columns.count());
            int span = rows.highest() - rows.lowest() + 1;
            int fitting = (SCRATCH_FLOATS / (scratchColumns * channels.stride()) - span) / rows.scratchStep() + 1;
            int wanted = (BAND_PIXELS + columns.count() - 1) / columns.count();
            this.bandRows = Math.clamp(Math.min(fitting, wanted), 1, rows.count());
            this.scratchRows = rows.span(bandRows);
            this.imageStride = scratchRows * scratchColumns * channels.stride();
        }
        this.bands = (rows.count() + bandRows - 1) / bandRows;
        this.firstRow = maps && !rows.isSingle() ? 0 : rows.lowest();
        this.firstColumn = maps && !columns.isSingle() ? 0 : columns.lowest();
        int rowTaps = rows.offsets().length, columnTaps = columns.offsets().length;
        int tapsPerPart = Math.max(1, WEIGHT_FLOATS / (channels.length() * channels.pieces().getFirst().vectors() * Lanes.V));
        int rowsPerPart = Math.max(1, tapsPerPart / Math.max(1, columnTaps));
        this.parts = Math.max(1, (rowTaps + rowsPerPart - 1) / rowsPerPart);
        this.segments = new int[2 * classes * rowTaps * columnTaps];
        this.lengths = new int[classes];
        this.ranges = new int[parts * classes];
        this.rangeEnds = new int[parts * classes];
        placeSegments(kernelColumns, rowsPerPart);
    }

    private void placeSegments(int kernelColumns, int rowsPerPart) {
        // Where pixels hold nothing but what is summed, the taps of a row of the kernel make one run.
        boolean joined = channels.length() == channels.stride() && columns.isDense();
        int at = 0;
        for (int part = 0; part < parts; part++) {
            for (int k = 0; k < classes; k++) {
                int[] columnTaps = columnClasses.taps().get(k % columnClasses.taps().size());
                int runs = joined ? Math.min(1, columnTaps.length) : columnTaps.length;
                lengths[k] = joined ? columnTaps.length * channels.length() : channels.length();
                ranges[part * classes + k] = at;
                for (int t : rowClasses.taps().get(k / columnClasses.taps().size())) {
                    for (int u = 0; u < runs && t / rowsPerPart == part; u++) {
                        int row = (rows.offsets()[t] - firstRow) / rows.copyStep();
                        int column = (columns.offsets()[columnTaps[u]] - firstColumn) / columns.copyStep();
                        segments[2 * at] = (row * scratchColumns + column) * channels.stride();
                        segments[2 * at + 1] = rows.taps()[t] * kernelColumns + columns.taps()[columnTaps[u]];
                        at++;
                    }
                }
                rangeEnds[part * classes + k] = at;
            }
        }
    }

    // Whether maps fit the cache and leave out enough products.
    private static boolean mapsPay(TapAxis rows, TapAxis columns, int height, int width, int mapFloats) {
        if (mapFloats > SCRATCH_FLOATS) {
            return false;
        }
        long tiles = ((long) rows.count() * columns.count() + PIXELS - 1) / PIXELS;
        long inBands = tiles * rows.offsets().length * columns.offsets().length;
        return products(rows, columns, height, width, images(rows, columns, height, width, mapFloats)) < (1 - MAPS_PAY) * inBands;
    }

    // The fewest images whose tiles are nearly full, and that use the weights of the next-level cache several times.
    private static int images(TapAxis rows, TapAxis columns, int height, int width, int mapFloats) {
        int most = Math.clamp(2 * SCRATCH_FLOATS / mapFloats, 1, MAX_IMAGES);
        double best = Double.MAX_VALUE;
        for (int images = 1; images <= most; images++) {
            best = Math.min(best, products(rows, columns, height, width, images));
        }
        int taps = Math.max(1, rows.offsets().length * columns.offsets().length);
        for (int images = 1; images < most; images++) {
            double each = products(rows, columns, height, width, images);
            if (each <= 1.02 * best && each * images >= SHARED_TILES * taps) {
                return images;
            }
        }
        return most;
    }

    // Tiles times taps for each image when so many images make a unit.
    private static double products(TapAxis rows, TapAxis columns, int height, int width, int images) {
        AxisClasses ofRows = AxisClasses.of(rows, height), ofColumns = AxisClasses.of(columns, width);
        int[] rowCounts = ofRows.counts(), columnCounts = ofColumns.counts();
        long products = 0;
        for (int k = 0; k < rowCounts.length; k++) {
            for (int l = 0; l < columnCounts.length; l++) {
                long tiles = ((long) images * rowCounts[k] * columnCounts[l] + PIXELS - 1) / PIXELS;
                products += tiles * ofRows.taps().get(k).length * ofColumns.taps().get(l).length;
            }
        }
        return (double) products / images;
    }

    /// The place in the output plane of a result of a band, counted from the band's first row.
    int outPixel(int row, int column) {
        return (rows.first() + row * rows.every()) * outWidth + columns.first() + column * columns.every();
    }

    /// Pixels of an output plane that a full unit writes, of a sum that writes all of them.
    int bandPixels() {
        return bandRows * outWidth;
    }

    /// Pixels of all blocks of one image of the output.
    int outImagePixels() {
        return Lanes.blocks(channels.outputs()) * outHeight * outWidth;
    }

    /// The offset in the scratch image from which the offsets of a result's segments count.
    int scratchPixel(int row, int column) {
        return (row * rows.scratchStep() * scratchColumns + column * columns.scratchStep()) * channels.stride();
    }

    /// Floats of scratch memory for a unit.
    int scratchFloats() {
        return images * imageStride;
    }

    /// The tiles of a unit of so many images and this band.
    TileList tiles(int unitImages, int band) {
        int bandRowsLeft = Math.min(bandRows, rows.count() - band * bandRows);
        return tileLists.computeIfAbsent(unitImages * (rows.count() + 1) + bandRowsLeft, _ -> TileList.of(this, unitImages, bandRowsLeft));
    }

    /// Whether any tap meets any result.
    boolean hasProducts() {
        return segments.length > 0;
    }
}
