package dev.normlab.engine.kernel.scalar;

/// Along one axis, output position `a` reads through a tap the input position `a * stride + offset`, with `offset = tap * dilation -
/// padding`. The outputs for which that lies inside the input `[0, size)` are the range `first .. end - 1`, so loops over them need no test
/// inside.
final class Taps {

    private Taps() {}

    /// The first output that reads the input at or after position 0.
    static int first(int offset, int stride) {
        return offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    }

    /// One past the last of `outputs` outputs that reads the input before position `size`; at most [#first] if there is none.
    static int end(int offset, int stride, int size, int outputs) {
        return offset >= size ? 0 : Math.min(outputs, (size - offset + stride - 1) / stride);
    }
}
