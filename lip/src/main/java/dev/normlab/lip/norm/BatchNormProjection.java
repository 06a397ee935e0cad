package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.train.TrainingHook;
import java.util.ArrayList;
import java.util.List;

/// Keeps the norm of every batch norm layer at most `r` (Liang & Huang, AAAI 2021): after the update every channel with
/// `|γ| / sqrt(var + eps) > r` gets `γ = sign(γ) · r · sqrt(var + eps)`, all channels at once. Channels inside keep their bits. Layers
/// without affine parameters, whose norm no parameter controls, without running statistics, which have no fixed norm, and frozen ones are
/// left alone.
public final class BatchNormProjection implements TrainingHook {

    private final Tensor radius;
    private final List<Projected> layers = new ArrayList<>();

    private record Projected(Tensor gamma, Tensor var, Tensor eps) {}

    /// A projection of all batch norm layers of a model.
    ///
    /// @param r the largest norm allowed
    /// @throws IllegalArgumentException if `r` is not positive and finite
    public BatchNormProjection(Layer model, float r) {
        if (!(r > 0 && r < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("batch norm projection: the radius is a positive number, but got " + r);
        }
        radius = Tensor.scalar(r).named("batch norm radius");
        for (NormedLayer layer : NormedLayer.of(model)) {
            if (layer.layer() instanceof BatchNormalization batchNorm && !layer.dependsOnBatch() && layer.weight().isPresent()
                    && !layer.weight().get().frozen()) {
                Tensor eps = Tensor.scalar(batchNorm.options().eps()).named(layer.name() + ".eps");
                layers.add(new Projected(layer.weight().get().tensor(), layer.runningVar(batchNorm), eps));
            }
        }
    }

    @Override
    public boolean dependsOnStatistics() {
        return true;
    }

    @Override
    public Moment moment() {
        return Moment.AFTER_UPDATE;
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        apply(executor);
    }

    /// Projects in place.
    ///
    /// @param executor where the step runs or is recorded
    public void apply(Executor executor) {
        for (Projected layer : layers) {
            Tensor deviation = Elementwise.deviation(executor, layer.var(), layer.eps());
            Tensor limit = Elementwise.binary(executor, BinaryFunction.MULTIPLY, deviation, radius);
            Tensor lower = executor.run(Opcode.SCALE, -1f, limit.spec(), limit);
            Tensor below = Elementwise.binary(executor, BinaryFunction.MINIMUM, layer.gamma(), limit);
            Tensor inside = Elementwise.binary(executor, BinaryFunction.MAXIMUM, below, lower);
            executor.update(Opcode.ASSIGN, null, List.of(layer.gamma()), inside);
        }
    }
}
