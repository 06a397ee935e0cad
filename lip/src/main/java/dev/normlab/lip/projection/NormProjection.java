package dev.normlab.lip.projection;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceProjection;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.BatchNormStatistics;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormException;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.lip.norm.PatternSlices;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.train.TrainingHook;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Keeps the exact l1 or linf norm of layers at most a radius: after every update each layer beyond it is projected, all of its slices at
/// once, and ends inside the constraint. Layers inside keep their bits. Frozen parameters are left alone.
///
/// Convolutions with zero padding, transposed ones and linear layers move to the nearest weights inside; convolutions with other borders
/// are scaled per channel, which is feasible but not nearest; of batch norm every channel with `|γ| / sqrt(var + eps) > r` becomes
/// `sign(γ)·r·sqrt(var + eps)`, and one without running statistics, which has no fixed norm, is left alone. The hook is
/// recorded with the step ([Opcode#PROJECT_SLICES]) and runs where the step runs, unless a convolution has other borders: then it runs on
/// the host and splits the step. On the host a weight that is NaN or infinite is an error, elsewhere its channel stays as it is.
public final class NormProjection implements TrainingHook {

    private final Options options;
    private final List<NormedLayer> layers;

    /// What is kept how small.
    ///
    /// @param radius the largest norm allowed
    /// @param kinds  the kinds of layers that are projected
    public record Options(Norm norm, double radius, Set<LayerKind> kinds) {

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if the radius is not positive and finite
        public Options {
            if (!(radius > 0 && radius < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("norm projection: the radius is a positive number, but got " + radius);
            }
            kinds = Collections.unmodifiableSet(kinds.isEmpty() ? EnumSet.noneOf(LayerKind.class) : EnumSet.copyOf(kinds));
        }
    }

    /// What happened to a layer.
    ///
    /// @param layer   its name
    /// @param before  its norm before the projection
    /// @param after   its norm now
    /// @param changed how many channels were changed
    /// @param nearest whether the new weights are the nearest ones inside, up to rounding; false where channels were scaled
    public record Outcome(String layer, double before, double after, int changed, boolean nearest) {}

    /// A projection of the layers of a model.
    public NormProjection(Layer model, Options options) {
        this.options = options;
        this.layers = NormedLayer.of(model).stream()
                .filter(layer -> options.kinds().contains(layer.kind()) && layer.weight().isPresent() && !layer.dependsOnBatch()).toList();
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
    public boolean hostSide() {
        return layers.stream().anyMatch(NormedLayer::hasPatterns);
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        if (hostSide()) {
            apply();
            return;
        }
        for (NormedLayer layer : layers) {
            Parameter weight = layer.weight().orElseThrow();
            if (!weight.frozen()) {
                project(executor, layer, weight.tensor());
            }
        }
    }

    private void project(Executor executor, NormedLayer layer, Tensor weight) {
        SliceNormSizes slices = layer.slices(options.norm());
        if (layer.layer() instanceof BatchNormalization batchNorm) {
            SliceLimit limit = new SliceLimit(slices, options.radius(), batchNorm.options().eps());
            executor.update(Opcode.PROJECT_SLICES, limit, List.of(weight), layer.runningVar(batchNorm));
        } else {
            executor.update(Opcode.PROJECT_SLICES, SliceLimit.of(slices, options.radius()), List.of(weight), (Tensor) null);
        }
    }

    /// Projects in place.
    ///
    /// @return what happened to every layer that is not frozen, in module order
    /// @throws NormException if a weight is NaN or infinite, or a layer's input size is not known
    public List<Outcome> apply() {
        List<Outcome> outcomes = new ArrayList<>();
        for (NormedLayer layer : layers) {
            Parameter weight = layer.weight().orElseThrow();
            if (!weight.frozen()) {
                outcomes.add(project(layer, weight.tensor()));
            }
        }
        return outcomes;
    }

    private Outcome project(NormedLayer layer, Tensor weight) {
        float[] values = weight.toArray();
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new NormException("the projection of " + layer.name() + " needs finite weights, but " + layer.remark().orElse(""));
            }
        }
        double before = layer.measure(options.norm(), BatchNormStatistics.running());
        Optional<PatternSlices> patterns = layer.patterns(options.norm());
        int changed;
        if (layer.layer() instanceof BatchNormalization batchNorm) {
            changed = clip(values, BatchNormStatistics.running().scale(layer, batchNorm));
        } else if (patterns.isPresent()) {
            changed = PatternProjection.scale(patterns.get(), values, options.radius());
        } else {
            changed = new SliceProjection(layer.slices(options.norm())).project(values, options.radius());
        }
        if (changed > 0) {
            weight.set(values);
        }
        double after = changed > 0 ? layer.measure(options.norm(), BatchNormStatistics.running()) : before;
        return new Outcome(layer.name(), before, after, changed, patterns.isEmpty());
    }

    private int clip(float[] gamma, double[] scale) {
        int changed = 0;
        for (int i = 0; i < gamma.length; i++) {
            if (Math.abs(gamma[i]) * scale[i] > options.radius()) {
                float limit = SliceProjection.towardsZero(options.radius() / scale[i]);
                while (limit * scale[i] > options.radius()) {
                    limit = Math.nextDown(limit);
                }
                gamma[i] = Math.copySign(limit, gamma[i]);
                changed++;
            }
        }
        return changed;
    }
}
