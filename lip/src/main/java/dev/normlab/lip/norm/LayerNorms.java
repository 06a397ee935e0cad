package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/// The exact norms of all layers of a model, as they act in eval mode.
///
/// Biases and batch norm's shift do not count: the norm is that of the linear part. For batch norm every p-norm is the largest `|γ| / sqrt(var + eps)`.
///
/// @param layers in module order
public record LayerNorms(List<LayerNorm> layers) {

    public LayerNorms {
        layers = List.copyOf(layers);
    }

    /// The norms of one layer.
    ///
    /// @param name within the model, for example `layer1.0.conv1`
    public record LayerNorm(String name, LayerKind kind, double l1, double linf) {

        /// One of both.
        public double of(Norm norm) {
            return norm == Norm.L1 ? l1 : linf;
        }
    }

    /// Computes the norms in double precision from the current weights. NaN weights give NaN norms.
    ///
    /// @throws NormException if a convolution's input size is not known yet, or a layer has no norm by its kind
    public static LayerNorms of(Layer model) {
        return new LayerNorms(NormedLayer.of(model).stream()
                .map(layer -> new LayerNorm(layer.name(), layer.kind(), measure(layer, Norm.L1), measure(layer, Norm.LINF))).toList());
    }

    /// The sum of one norm over all layers of these kinds.
    public double sum(Norm norm, Collection<LayerKind> kinds) {
        return layers.stream().filter(layer -> kinds.contains(layer.kind())).mapToDouble(layer -> layer.of(norm)).sum();
    }

    private static double measure(NormedLayer layer, Norm norm) {
        double[] scale = layer.channelScale();
        if (scale == null) {
            SliceNormSizes slices = layer.slices(norm);
            return ConvolutionNorms.norm(slices, layer.weight().orElseThrow().tensor().toArray()).norm();
        }
        float[] gamma = layer.weight().map(Parameter::tensor).map(tensor -> tensor.toArray()).orElseGet(() -> ones(scale.length));
        double largest = 0;
        for (int i = 0; i < scale.length; i++) {
            double value = Math.abs(gamma[i]) * scale[i];
            largest = Double.isNaN(value) || Double.isNaN(largest) ? Double.NaN : Math.max(largest, value);
        }
        return largest;
    }

    private static float[] ones(int length) {
        float[] ones = new float[length];
        Arrays.fill(ones, 1f);
        return ones;
    }
}
