package dev.normlab.engine.kernel;

/// Which value stands at a position outside the image.
public enum PadMode {
    /// Zero.
    ZERO,
    /// The image repeated periodically; needs padding of at most the image's size.
    CIRCULAR,
    /// The image mirrored without repeating its border; needs padding below the image's size.
    REFLECT,
    /// The nearest border value.
    REPLICATE;

    /// The row (or column) of the image of size `size` that is read at position `position`, or -1 where zero is read.
    public int source(int position, int size) {
        if (position >= 0 && position < size) {
            return position;
        }
        return switch (this) {
            case ZERO -> -1;
            case CIRCULAR -> Math.floorMod(position, size);
            case REFLECT -> position < 0 ? -position : 2 * (size - 1) - position;
            case REPLICATE -> position < 0 ? 0 : size - 1;
        };
    }
}
