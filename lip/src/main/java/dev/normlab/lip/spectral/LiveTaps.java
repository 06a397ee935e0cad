package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import java.util.stream.IntStream;

/// The taps of a zero-padded kernel that read a pixel of the image at least once.
final class LiveTaps {

    private LiveTaps() {}

    /// A copy of the weights in which all other taps are zero: they do not belong to the layer's matrix.
    static float[] of(Conv2dSizes s, float[] weight) {
        float[] live = weight.clone();
        int area = s.kh() * s.kw();
        for (int tap = 0; tap < area; tap++) {
            if (count(s, tap) == 0) {
                for (int i = tap; i < live.length; i += area) {
                    live[i] = 0;
                }
            }
        }
        return live;
    }

    /// Whether every tap is one.
    static boolean areAll(Conv2dSizes s) {
        return IntStream.range(0, s.kh() * s.kw()).allMatch(tap -> count(s, tap) > 0);
    }

    /// At how many output positions tap number `t·kw + u` reads a pixel.
    static int count(Conv2dSizes s, int tap) {
        return count(s.oh(), s.h(), s.strideH(), tap / s.kw() * s.dilationH() - s.padTop())
                * count(s.ow(), s.w(), s.strideW(), tap % s.kw() * s.dilationW() - s.padLeft());
    }

    private static int count(int outputs, int inputs, int stride, int offset) {
        int count = 0;
        for (int a = 0; a < outputs; a++) {
            long input = (long) a * stride + offset;
            count += input >= 0 && input < inputs ? 1 : 0;
        }
        return count;
    }
}
