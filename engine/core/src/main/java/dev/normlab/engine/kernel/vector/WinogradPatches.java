package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

/// Tiles that reach over the border of a map: their inputs are copied to a small patch with zeros outside, and of their outputs only those
/// inside are copied back.
final class WinogradPatches {

    private WinogradPatches() {}

    /// Copies the `size x size` pixels from `(row, column)` on of the plane that starts at pixel `plane` of `x` to `to` at `at`.
    static void take(float[] x, int plane, int height, int width, int row, int column, int size, float[] to, int at) {
        for (int i = 0; i < size; i++) {
            boolean inside = row + i >= 0 && row + i < height;
            int line = plane + (row + i) * width;
            for (int j = 0; j < size; j++) {
                int write = at + (i * size + j) * V;
                if (inside && column + j >= 0 && column + j < width) {
                    load(x, (line + column + j) * V).intoArray(to, write);
                } else {
                    zero().intoArray(to, write);
                }
            }
        }
    }

    /// Copies those of the `size x size` pixels at `at` that lie inside the plane, from `(row, column)` on.
    static void put(float[] from, int at, int size, float[] y, int plane, int height, int width, int row, int column) {
        for (int i = 0; i < Math.min(size, height - row); i++) {
            for (int j = 0; j < Math.min(size, width - column); j++) {
                load(from, at + (i * size + j) * V).intoArray(y, (plane + (row + i) * width + column + j) * V);
            }
        }
    }
}
