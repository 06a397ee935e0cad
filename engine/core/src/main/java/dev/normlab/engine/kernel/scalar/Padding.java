package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// The lanes of a channel-blocked storage that belong to no channel.
final class Padding {

    private Padding() {}

    /// Writes zeros into all padding lanes.
    static void clear(Storage storage) {
        Layout layout = storage.layout();
        if (layout.isBlocked()) {
            for (int in = 0; in < storage.shape().size(0); in++) {
                clear(storage, in);
            }
        }
    }

    /// Writes zeros into the padding lanes of one image.
    static void clear(Storage storage, int in) {
        Layout layout = storage.layout();
        Shape shape = storage.shape();
        int c = shape.size(1), pixels = shape.size(2) * shape.size(3), v = layout.block(), blocks = layout.blocks(c);
        float[] values = storage.floats();
        for (int ic = c; ic < blocks * v; ic++) {
            int lane = (in * blocks + ic / v) * pixels * v + ic % v;
            for (int p = 0; p < pixels; p++) {
                values[lane + p * v] = 0f;
            }
        }
    }
}
