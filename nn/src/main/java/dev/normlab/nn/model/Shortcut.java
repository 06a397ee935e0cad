package dev.normlab.nn.model;

import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Sequential;

/// The path around a residual block.
final class Shortcut {

    private Shortcut() {}

    /// A 1x1 convolution with batch norm where the block changes the size or the number of channels, and nothing (an empty sequence)
    /// elsewhere.
    static Sequential of(int in, int out, int stride) {
        return stride == 1 && in == out ? new Sequential() : projection(in, out, stride);
    }

    /// A 1x1 convolution with batch norm.
    static Sequential projection(int in, int out, int stride) {
        return new Sequential(new Conv2d(in, out, 1, stride, 0, false), new BatchNorm2d(out));
    }
}
