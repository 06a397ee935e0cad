package dev.normlab.lip.spectral;

import java.util.ArrayList;
import java.util.List;

/// A frequency of a real image on a torus: `f` periods along the columns and `g` along the rows.
///
/// @param paired whether the frequency `(-f, -g)` is another one; it then has the conjugate matrix and the same singular values. An
///               unpaired frequency has
///               a real matrix.
record Frequency(int f, int g, boolean paired) {

    /// One of every pair of frequencies of a torus of `h x w` pixels.
    static List<Frequency> of(int h, int w) {
        List<Frequency> frequencies = new ArrayList<>();
        for (int f = 0; f < h; f++) {
            for (int g = 0; g < w; g++) {
                int mirrored = (h - f) % h * w + (w - g) % w;
                if (f * w + g <= mirrored) {
                    frequencies.add(new Frequency(f, g, f * w + g != mirrored));
                }
            }
        }
        return frequencies;
    }

    /// How many frequencies of the torus this stands for: 2 or 1.
    int weight() {
        return paired ? 2 : 1;
    }
}
