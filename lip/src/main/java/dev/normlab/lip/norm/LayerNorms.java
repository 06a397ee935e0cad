package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.layer.Layer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The exact norms of all layers of a model, as they act in eval mode or, with the statistics of a batch, in training.
///
/// Biases and batch norm's shift do not count: the norm is that of the linear part. For batch norm every p-norm is the largest
/// `|γ| / sqrt(var + eps)`.
///
/// @param layers in module order
public record LayerNorms(List<LayerNorm> layers) {

    /// Copies the list.
    public LayerNorms {
        layers = List.copyOf(layers);
    }

    /// The norms of one layer.
    ///
    /// @param name   within the model, for example `layer1.0.conv1`
    /// @param remark what is unusual about the layer: no running statistics; weights that are frozen, NaN, infinite, or none; empty if
    ///               nothing is
    public record LayerNorm(String name, LayerKind kind, double l1, double linf, Optional<String> remark) {

        /// A layer whose weights are as usual.
        public LayerNorm(String name, LayerKind kind, double l1, double linf) {
            this(name, kind, l1, linf, Optional.empty());
        }

        /// One of both.
        public double of(Norm norm) {
            return norm == Norm.L1 ? l1 : linf;
        }
    }

    /// Computes the norms in double precision from the current weights, batch norm by its running statistics. NaN weights give NaN norms,
    /// infinite ones infinite norms, batch norm without running statistics NaN, and a remark says so.
    ///
    /// @throws NormException if a convolution's input size is not known yet
    public static LayerNorms of(Layer model) {
        return of(model, BatchNormStatistics.running());
    }

    /// Computes the norms with batch norm dividing by given variances: with [BatchNormStatistics#ofBatch], as the layers act in training on
    /// that batch.
    ///
    /// @throws NormException as [#of(Layer)]
    public static LayerNorms of(Layer model, BatchNormStatistics statistics) {
        return of(model, statistics, null);
    }

    /// As [#of(Layer)], at the speed at which a device reads the weights; sums may be rounded in another order.
    ///
    /// @throws NormException as [#of(Layer)]
    public static LayerNorms of(Layer model, Device device) {
        return of(model, BatchNormStatistics.running(), device);
    }

    private static LayerNorms of(Layer model, BatchNormStatistics statistics, @Nullable Device device) {
        return new LayerNorms(NormedLayer.of(model).stream().map(layer -> new LayerNorm(layer.name(), layer.kind(),
                layer.measure(Norm.L1, statistics, device), layer.measure(Norm.LINF, statistics, device), layer.remark())).toList());
    }

    /// One norm of every layer in module order.
    public double[] of(Norm norm) {
        return layers.stream().mapToDouble(layer -> layer.of(norm)).toArray();
    }

    /// The sum of one norm over all layers of these kinds.
    public double sum(Norm norm, Collection<LayerKind> kinds) {
        return layers.stream().filter(layer -> kinds.contains(layer.kind())).mapToDouble(layer -> layer.of(norm)).sum();
    }
}
