package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.ConvolutionNorm;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.BatchNormLoops.Channels;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Applies a [ConvolutionNorm] in place.
final class NormalisingEpilogue implements Epilogue {

    private final boolean relu;
    private final float @Nullable [] residual;
    private final float[] y;
    private final Channels channels;
    private final int blocks;
    private final int plane;

    NormalisingEpilogue(ConvolutionNorm norm, Storage y, Workspace workspace) {
        Planes planes = new Planes(norm.s().n(), norm.s().c(), norm.s().pixels());
        Storage added = norm.residual();
        this.relu = norm.relu();
        this.residual = added == null ? null : added.floats();
        this.y = y.floats();
        this.channels = VectorBatchNorms.channels(norm.s(), planes, norm.weight(), norm.bias(), norm.mean(), norm.var(), workspace);
        this.blocks = planes.blocks();
        this.plane = planes.pixels();
    }

    @Override
    public void run(int image, int block, int from, int to) {
        int at = ((image * blocks + block) * plane + from) * V;
        if (relu) {
            BatchNormLoops.normaliseRelu(y, residual, y, at, to - from, channels, block * V);
        } else {
            BatchNormLoops.normalise(y, y, at, to - from, channels, block * V);
        }
    }
}
