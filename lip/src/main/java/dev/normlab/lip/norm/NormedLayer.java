package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
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
public record NormedLayer(String name, LayerKind kind, Layer layer, Optional<Parameter> weight) {

    /// All layers of a model that have norms, in module order.
    public static List<NormedLayer> of(Layer model) {
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

    /// The slices of the weight that are compared for a norm, for layers without [#patterns].
    ///
    /// @throws NormException if the layer's input size is unknown
    public SliceNormSizes slices(Norm norm) {
        return switch (layer) {
            case Conv2d conv -> ConvolutionNorms.slices(sizes(conv), norm);
            // the matrix of a transposed convolution is the transpose of a convolution's, so its columns are that one's rows
            case ConvTranspose2d conv -> ConvolutionNorms.slices(sizes(conv), norm == Norm.L1 ? Norm.LINF : Norm.L1);
            case Linear linear -> ConvolutionNorms.linearSlices(linear.outFeatures(), linear.inFeatures(), norm);
            case BatchNormalization batchNorm -> ConvolutionNorms.linearSlices(batchNorm.channels(), 1, Norm.LINF);
            default -> throw new IllegalStateException("the layer " + name + " has no norm");
        };
    }

    /// The slices of a convolution with circular, reflected or replicated borders; empty for all other layers.
    ///
    /// @throws NormException if the layer's input size is unknown
    public Optional<PatternSlices> patterns(Norm norm) {
        return layer instanceof Conv2d conv && hasPatterns()
                ? Optional.of(PatternSlices.of(sizes(conv), conv.geometry().mode(), norm))
                : Optional.empty();
    }

    /// Whether the layer has slices of summed taps: a convolution with borders that are not zero. The size of its input need not be known.
    public boolean hasPatterns() {
        return layer instanceof Conv2d conv && conv.geometry().mode() != PadMode.ZERO && conv.geometry().isPadded();
    }

    /// The sizes of the layer as a convolution of one image, empty if it is none. Those of a transposed convolution are the sizes of the
    /// convolution whose transpose it is.
    ///
    /// @throws NormException if the layer's input size is unknown
    public Optional<Conv2dSizes> convolution() {
        return switch (layer) {
            case Conv2d conv -> Optional.of(sizes(conv));
            case ConvTranspose2d conv -> Optional.of(sizes(conv));
            default -> Optional.empty();
        };
    }

    /// Whether the layer is no fixed linear map in eval mode: batch norm without running statistics, which divides by the deviations of
    /// every batch anew. It has a norm with the statistics of one batch only.
    public boolean dependsOnBatch() {
        return layer instanceof BatchNormalization batchNorm && batchNorm.runningVar().isEmpty();
    }

    /// The layer's l1 or linf norm in double precision; NaN if a weight is NaN, and by running statistics if the layer keeps none.
    ///
    /// @param statistics the variances by which batch norm divides
    /// @throws NormException if the layer's input size is unknown, or the batch of the statistics has not met it
    public double measure(Norm norm, BatchNormStatistics statistics) {
        return measure(norm, statistics, null);
    }

    /// As [#measure(Norm, BatchNormStatistics)]; with a device the weights are read at its speed, where they have slices.
    double measure(Norm norm, BatchNormStatistics statistics, @Nullable Device device) {
        if (layer instanceof BatchNormalization batchNorm) {
            return statistics.areRunning() && dependsOnBatch() ? Double.NaN : largest(statistics.scale(this, batchNorm));
        }
        Tensor tensor = weight.orElseThrow().tensor();
        Optional<PatternSlices> patterns = patterns(norm);
        if (patterns.isPresent()) {
            return patterns.get().norm(tensor.toArray()).norm();
        }
        return device == null
                ? ConvolutionNorms.norm(slices(norm), tensor.toArray()).norm()
                : ConvolutionNorms.norm(slices(norm), tensor.storage(), device).norm();
    }

    /// What is unusual about the layer, as a phrase: no running statistics; weights that are frozen, NaN or infinite; empty if nothing is.
    public Optional<String> remark() {
        List<String> remarks = new ArrayList<>();
        if (dependsOnBatch()) {
            remarks.add("without running statistics");
        }
        weight.ifPresentOrElse(parameter -> remark(parameter, remarks), () -> remarks.add("without weights"));
        return remarks.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", remarks));
    }

    private static void remark(Parameter weight, List<String> remarks) {
        float[] values = weight.tensor().toArray();
        int nan = 0;
        int infinite = 0;
        for (float value : values) {
            nan += Float.isNaN(value) ? 1 : 0;
            infinite += Float.isInfinite(value) ? 1 : 0;
        }
        if (weight.frozen()) {
            remarks.add("frozen");
        }
        if (nan > 0) {
            remarks.add(nan + " of " + values.length + " weights are NaN");
        }
        if (infinite > 0) {
            remarks.add(infinite + " of " + values.length + " weights are infinite");
        }
    }

    private double largest(double[] scale) {
        float[] gamma = weight.map(parameter -> parameter.tensor().toArray()).orElse(null);
        double largest = 0;
        for (int i = 0; i < scale.length; i++) {
            double value = gamma == null ? scale[i] : Math.abs(gamma[i]) * scale[i];
            largest = Double.isNaN(value) || Double.isNaN(largest) ? Double.NaN : Math.max(largest, value);
        }
        return largest;
    }

    /// The running variance of a batch norm.
    ///
    /// @throws NormException if it keeps none
    public Tensor runningVar(BatchNormalization batchNorm) {
        return batchNorm.runningVar().orElseThrow(() -> new NormException("batch norm " + name
                + " keeps no running statistics, so that it is not a fixed linear map in eval mode; measure it with the statistics of a batch"));
    }

    private Conv2dSizes sizes(Conv2d conv) {
        ImageSize size = conv.inputSize().orElseThrow(this::unknownSize);
        return Convolution.sizes(Shape.of(1, conv.inChannels(), size.h(), size.w()), conv.weight().shape(), conv.geometry());
    }

    private Conv2dSizes sizes(ConvTranspose2d conv) {
        ImageSize size = conv.inputSize().orElseThrow(this::unknownSize);
        Shape input = Shape.of(1, conv.weight().shape().size(0), size.h(), size.w());
        return Convolution.transposedSizes(input, conv.weight().shape(), conv.geometry(), conv.outputPaddingH(), conv.outputPaddingW());
    }

    private NormException unknownSize() {
        return new NormException(
                "the norms of " + name + " depend on the size of its input, which is not known yet: run a forward pass of the model, "
                        + "or say the size with inputSize(..)");
    }
}
