package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;

/// Sizes packed in one integer, because a task has at most 20 arguments. They are constants to the compiler, so that unpacking costs
/// nothing.
final class Packed {

    private static final int LARGEST = 0x7FFF;
    private static final int LARGEST_STEP = 127;

    private Packed() {}

    /// `low` in the lower half, `high` in the upper one.
    ///
    /// @throws AcceleratorException if one is not from 0 to 32767
    static int pair(int low, int high) {
        if (low < 0 || high < 0 || low > LARGEST || high > LARGEST) {
            throw new AcceleratorException(
                    "numbers of channels and sizes of images and windows on a GPU are from 0 to 32767, but got " + low + " and " + high);
        }
        return low | high << 16;
    }

    /// A byte each, the first one lowest: strides and dilations.
    ///
    /// @throws AcceleratorException if one is above 127
    static int steps(int strideH, int strideW, int dilationH, int dilationW) {
        if (Math.max(Math.max(strideH, strideW), Math.max(dilationH, dilationW)) > LARGEST_STEP) {
            throw new AcceleratorException("strides and dilations on a GPU are at most 127, but got strides " + strideH + " and "
                    + strideW + ", dilations " + dilationH + " and " + dilationW);
        }
        return strideH | strideW << 8 | dilationH << 16 | dilationW << 24;
    }
}
