package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.ImageSize;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A layer with a norm, seen as slices of absolute weights whose largest sum is that norm.
///
/// @param name   within the model, for example `features.0`
/// @param weight the parameter that the norm depends on; absent for batch norm without affine parameters
record NormedLayer(String name, LayerKind kind, Layer layer, Optional<Parameter> weight) {

    /// All layers of a model that have norms, in module order.
    static List<NormedLayer> of(Layer model) {
        List<NormedLayer> layers = new ArrayList<>();
        model.namedLayers().forEach((name, layer) -> {
            switch (layer) {
                case Conv2d conv -> layers.add(new NormedLayer(name, LayerKind.CONV, conv, Optional.of(conv.weight())));
                case ConvTranspose2d conv -> layers.add(new NormedLayer(name, LayerKind.CONV, conv, Optional.of(conv.weight())));
                case Linear linear -> layers.add(new NormedLayer(name, LayerKind.LINEAR, linear, Optional.of(linear.weight())));
                case BatchNormalization batchNorm -> layers.add(new NormedLayer(name, LayerKind.BN, batchNorm, batchNorm.weight()));
                default -> {
                    // no weights of its own that act linearly
                }
            }
        });
        return layers;
    }

    /// The slices of the weight that are compared for a norm.
    ///
    /// @throws NormException if the layer's input size is unknown, or its padding is not zero padding
    SliceNormSizes slices(Norm norm) {
        return switch (layer) {
            case Conv2d conv -> ConvolutionNorms.slices(sizes(conv), norm);
            // the matrix of a transposed convolution is the transpose of a convolution's, so its columns are that one's rows
            case ConvTranspose2d conv -> ConvolutionNorms.slices(sizes(conv), norm == Norm.L1 ? Norm.LINF : Norm.L1);
            case Linear linear -> ConvolutionNorms.linearSlices(linear.outFeatures(), linear.inFeatures(), norm);
            case BatchNormalization batchNorm -> ConvolutionNorms.linearSlices(batchNorm.channels(), 1, Norm.LINF);
            default -> throw new IllegalStateException("the layer " + name + " has no norm");
        };
    }

    /// The factor of every slice: `1 / sqrt(var + eps)` in batch norm, absent elsewhere.
    double @Nullable [] channelScale() {
        if (!(layer instanceof BatchNormalization batchNorm)) {
            return null;
        }
        float[] var = runningVar(batchNorm).toArray();
        double[] scale = new double[var.length];
        for (int i = 0; i < scale.length; i++) {
            scale[i] = 1 / Math.sqrt((double) var[i] + batchNorm.options().eps());
        }
        return scale;
    }

    /// The running variance of a batch norm.
    ///
    /// @throws NormException if it keeps none
    Tensor runningVar(BatchNormalization batchNorm) {
        return batchNorm.runningVar().orElseThrow(() -> new NormException("batch norm " + name
                + " keeps no running statistics, so that it is not a fixed linear map in eval mode and has no norm"));
    }

    private Conv2dSizes sizes(Conv2d conv) {
        requireZeroPadding(conv.geometry());
        ImageSize size = conv.inputSize().orElseThrow(this::unknownSize);
        return Convolution.sizes(Shape.of(1, conv.inChannels(), size.h(), size.w()), conv.weight().shape(), conv.geometry());
    }

    private Conv2dSizes sizes(ConvTranspose2d conv) {
        requireZeroPadding(conv.geometry());
        ImageSize size = conv.inputSize().orElseThrow(this::unknownSize);
        Shape input = Shape.of(1, conv.weight().shape().size(0), size.h(), size.w());
        return Convolution.transposedSizes(input, conv.weight().shape(), conv.geometry(), conv.outputPaddingH(), conv.outputPaddingW());
    }

    private void requireZeroPadding(Conv2dGeometry geometry) {
        if (geometry.mode() != PadMode.ZERO && geometry.isPadded()) {
            throw new NormException("the norms of " + name + " cannot be computed: it pads with " + geometry.mode()
                    + ", and only zero padding separates into tap sets");
        }
    }

    private NormException unknownSize() {
        return new NormException(
                "the norms of " + name + " depend on the size of its input, which is not known yet: run a forward pass of the model, "
                        + "or say the size with inputSize(..)");
    }
}
