package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

/// Copies rectangles of pixels between one channel block of a map and a small buffer, in which what lies outside the map is zero.
///
/// The transforms read and write such buffers rather than the maps: the copies run along the rows, which is what memory is fast at, and
/// tiles at the border need no case of their own.
final class WinogradPatches {

    private WinogradPatches() {}

    /// Copies `rows x columns` pixels from `(row, column)` on of the plane that starts at pixel `plane` of `x` to `to` at `at`.
    static void take(float[] x, int plane, int height, int width, int row, int column, int rows, int columns, float[] to, int at) {
        int from = Math.clamp(-column, 0, columns), end = Math.clamp(width - column, from, columns);
        for (int i = 0; i < rows; i++) {
            int line = at + i * columns * V;
            boolean inside = row + i >= 0 && row + i < height;
            int first = inside ? from : columns, last = inside ? end : columns;
            int read = (plane + (row + i) * width + column) * V;
            for (int j = 0; j < columns; j++) {
                if (j >= first && j < last) {
                    load(x, read + j * V).intoArray(to, line + j * V);
                } else {
                    zero().intoArray(to, line + j * V);
                }
            }
        }
    }

    /// Copies those of the `rows x columns` pixels at `at` that lie inside the plane to it, from `(row, column)` on.
    static void put(float[] from, int at, int rows, int columns, float[] y, int plane, int height, int width, int row, int column) {
        int inside = Math.min(columns, width - column);
        for (int i = 0; i < Math.min(rows, height - row); i++) {
            int line = at + i * columns * V, write = (plane + (row + i) * width + column) * V;
            for (int j = 0; j < inside; j++) {
                load(from, line + j * V).intoArray(y, write + j * V);
            }
        }
    }
}
