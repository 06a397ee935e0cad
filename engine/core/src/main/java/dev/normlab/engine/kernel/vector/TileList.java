package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import java.util.Arrays;

/// The tiles of a unit of work: for each of their pixels where it lies in the scratch images and which result it is.
///
/// A tile's pixels belong to one class of taps; the last tile of a class is filled up with pixels that are computed and not stored.
final class TileList {

    /// Stands for the image of a pixel that only fills a tile.
    static final int ABSENT = -1;

    /// The class of every tile.
    final int[] classes;

    /// For each pixel of each tile its offset in the scratch images, its image within the unit (or [#ABSENT]) and its place in the output
    /// plane.
    final int[] pixels;
    final int[] outImages;
    final int[] outPixels;

    /// For each pixel of each tile the place of its first block in a blocked output, from the unit's first; the pixels that only fill a
    /// tile have that of the last one.
    final int[] places;

    private int filled;

    private TileList(int tiles) {
        classes = new int[tiles];
        pixels = new int[tiles * PIXELS];
        outImages = new int[tiles * PIXELS];
        outPixels = new int[tiles * PIXELS];
        places = new int[tiles * PIXELS];
        Arrays.fill(outImages, ABSENT);
    }

    /// The tiles of `images` images and their first `rows` rows of results.
    static TileList of(ConvolutionPlan plan, int images, int rows) {
        int[][] counts = new int[plan.rowClasses.taps().size()][plan.columnClasses.taps().size()];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < plan.columns.count(); column++) {
                counts[plan.rowClasses.classOf()[row]][plan.columnClasses.classOf()[column]] += images;
            }
        }
        int tiles = 0;
        for (int[] line : counts) {
            for (int count : line) {
                tiles += (count + PIXELS - 1) / PIXELS;
            }
        }
        TileList list = new TileList(tiles);
        for (int k = 0; k < counts.length; k++) {
            for (int l = 0; l < counts[k].length; l++) {
                list.fill(plan, images, rows, k, l);
            }
        }
        return list;
    }

    private void fill(ConvolutionPlan plan, int images, int rows, int rowClass, int columnClass) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < plan.columns.count(); column++) {
                if (plan.rowClasses.classOf()[row] == rowClass && plan.columnClasses.classOf()[column] == columnClass) {
                    for (int image = 0; image < images; image++) {
                        outImages[filled] = image;
                        outPixels[filled] = plan.outPixel(row, column);
                        places[filled] = (image * plan.outImagePixels() + outPixels[filled]) * Lanes.V;
                        pixels[filled] = image * plan.imageStride + plan.scratchPixel(row, column);
                        classes[filled / PIXELS] = rowClass * plan.columnClasses.taps().size() + columnClass;
                        filled++;
                    }
                }
            }
        }
        while (filled % PIXELS != 0) {
            pixels[filled] = pixels[filled - 1];
            places[filled] = places[filled - 1];
            filled++;
        }
    }

    int count() {
        return classes.length;
    }
}
