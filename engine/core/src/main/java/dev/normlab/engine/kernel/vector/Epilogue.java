package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.ConvolutionNorm;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.BatchNormLoops.Channels;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// What a convolution does in place with outputs that it has just written, while they are in the cache: a [ConvolutionNorm]. Whoever
/// computes the convolution calls it once for every pixel of every channel block, when the sums of that pixel are complete.
final class Epilogue {

    private final boolean relu;
    private final float @Nullable [] residual;
    private final float[] y;
    private final Channels channels;
    private final int blocks;
    private final int plane;

    Epilogue(ConvolutionNorm norm, Storage y, Workspace workspace) {
        Planes planes = new Planes(norm.s().n(), norm.s().c(), norm.s().pixels());
        Storage added = norm.residual();
        this.relu = norm.relu();
        this.residual = added == null ? null : added.floats();
        this.y = y.floats();
        this.channels = VectorBatchNorms.channels(norm.s(), planes, norm.weight(), norm.bias(), norm.mean(), norm.var(), workspace);
        this.blocks = planes.blocks();
        this.plane = planes.pixels();
    }

    /// The pixels `from .. to - 1` of an image and channel block are complete.
    void run(int image, int block, int from, int to) {
        int at = ((image * blocks + block) * plane + from) * V;
        if (relu) {
            BatchNormLoops.normaliseRelu(y, residual, y, at, to - from, channels, block * V);
        } else {
            BatchNormLoops.normalise(y, y, at, to - from, channels, block * V);
        }
    }

    /// The same of a rectangle of pixels in an image of `width` columns.
    void run(int image, int block, int row, int column, int rows, int columns, int width) {
        for (int i = row; i < row + rows; i++) {
            run(image, block, i * width + column, i * width + column + columns);
        }
    }
}
