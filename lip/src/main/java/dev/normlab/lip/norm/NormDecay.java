package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.train.TrainingHook;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Norm decay (Liang & Huang, AAAI 2021, section 3): a step against the subgradient of each layer's exact l1 or linf norm, beside the loss
/// gradient.
///
/// For the slice of weights that attains the norm (one row or column of the layer's matrix) the subgradient is the sign of the weights, 0
/// elsewhere. A trace `G` per layer remembers it with momentum μ, and once per step, after the backward pass and before the update,
///
///     G ← μ·G;   G[slice] ← sign(K[slice]);   grad(K) ← grad(K) + β·G
///
/// Convolutions with circular, reflected or replicated borders have slices of summed taps ([PatternSlices]). Batch norm's slice is one
/// channel with subgradient `sign(γ) / sqrt(var + eps)`. Everything is an ordinary operation: it is recorded with the step and runs where
/// the step runs. Frozen parameters and layers without weights are left alone; their norms are measured all the same. Batch norm without
/// running statistics has no fixed norm: it is left alone, and measured as NaN.
public final class NormDecay implements TrainingHook {

    /// What is decayed how strongly.
    ///
    /// @param beta     the weight of the subgradient
    /// @param momentum of the trace, in [0, 1); the paper uses 0.5
    /// @param kinds    the kinds of layers that are decayed
    public record Options(Norm norm, float beta, float momentum, Set<LayerKind> kinds) {

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if beta is negative or not finite, or the momentum is not in [0, 1)
        public Options {
            if (!(beta >= 0 && beta < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("norm decay: beta is a number of at least 0, but got " + beta);
            }
            if (!(momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException("norm decay: the momentum lies in [0, 1), but got " + momentum);
            }
            kinds = Collections.unmodifiableSet(kinds.isEmpty() ? EnumSet.noneOf(LayerKind.class) : EnumSet.copyOf(kinds));
        }

        /// Convolutions, linear layers and batch norm, with momentum 0.5, as in the paper.
        public static Options of(Norm norm, float beta) {
            return new Options(norm, beta, 0.5f, EnumSet.allOf(LayerKind.class));
        }
    }

    /// The name of beta and momentum in the state.
    private static final String SCALARS = "norm_decay_beta_and_momentum";

    private final Options options;
    private final Tensor scalars;
    private final List<Decayed> layers = new ArrayList<>();
    private final Map<PatternSlices, PatternDecay> patternDecays = new HashMap<>();

    /// A layer with its trace.
    private record Decayed(NormedLayer layer, @Nullable Tensor trace, Tensor one, Tensor eps) {}

    /// Norm decay of all layers of a model.
    public NormDecay(Layer model, Options options) {
        this.options = options;
        this.scalars = Tensor.of(Shape.of(2), options.beta(), options.momentum()).named("norm decay beta and momentum");
        Tensor one = Tensor.scalar(1f).named("one");
        for (NormedLayer layer : NormedLayer.of(model)) {
            boolean decays = options.kinds().contains(layer.kind()) && layer.weight().isPresent() && !layer.dependsOnBatch();
            Tensor trace = decays ? Tensor.zeros(layer.weight().get().shape().toArray()).named(layer.name() + ".norm_decay_trace") : null;
            float eps = layer.layer() instanceof BatchNormalization batchNorm ? batchNorm.options().eps() : 0f;
            layers.add(new Decayed(layer, trace, one, Tensor.scalar(eps).named(layer.name() + ".eps")));
        }
    }

    /// What is decayed how strongly now.
    public Options options() {
        float[] now = scalars.toArray();
        return new Options(options.norm(), now[0], now[1], options.kinds());
    }

    /// Changes the weight of the subgradient from the next step on; recorded steps see the change.
    ///
    /// @throws IllegalArgumentException if it is negative or not finite
    public void beta(float beta) {
        Options checked = new Options(options.norm(), beta, options().momentum(), options.kinds());
        scalars.set(checked.beta(), checked.momentum());
    }

    /// Changes the momentum of the trace from the next step on; recorded steps see the change.
    ///
    /// @throws IllegalArgumentException unless it lies in [0, 1)
    public void momentum(float momentum) {
        Options checked = new Options(options.norm(), options().beta(), momentum, options.kinds());
        scalars.set(checked.beta(), checked.momentum());
    }

    @Override
    public Moment moment() {
        return Moment.AFTER_BACKWARD;
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        applyAndMeasure(executor, gradients);
    }

    /// Adds the decay to the gradients, in place, and gives the norm of every layer, decayed or not.
    ///
    /// @param executor where the step runs or is recorded
    /// @return the norms before the update in module order, one-element tensors
    /// @throws NormException if a convolution's input size is not known: the forward pass comes first
    public List<Tensor> applyAndMeasure(Executor executor, Gradients gradients) {
        return layers.stream().map(decayed -> apply(executor, gradients, decayed)).toList();
    }

    private Tensor apply(Executor executor, Gradients gradients, Decayed decayed) {
        if (decayed.layer().dependsOnBatch()) {
            return Tensor.full(Float.NaN, 1);
        }
        Optional<PatternSlices> patterns = decayed.layer().patterns(options.norm());
        return patterns.isPresent()
                ? applyToPatterns(executor, gradients, decayed, patterns.get())
                : applyToTapSets(executor, gradients, decayed);
    }

    /// The sum of the norms that [#applyAndMeasure] gave, a one-element tensor; NaN if one of them is.
    public static Tensor sum(Executor executor, List<Tensor> norms) {
        Tensor sum = Tensor.scalar(0f);
        for (Tensor norm : norms) {
            sum = Elementwise.binary(executor, BinaryFunction.ADD, sum, norm);
        }
        return sum;
    }

    private Tensor applyToTapSets(Executor executor, Gradients gradients, Decayed decayed) {
        NormedLayer layer = decayed.layer();
        Tensor scale = layer.layer() instanceof BatchNormalization batchNorm ? inverseDeviation(executor, decayed, batchNorm) : null;
        Tensor weight = layer.weight().map(Parameter::tensor).orElse(null);
        SliceNormSizes slices = layer.slices(options.norm());
        if (weight == null) {
            // without affine parameters the scale itself is the diagonal
            weight = scale;
            scale = null;
        }
        List<Tensor> measured = executor.run(Opcode.SLICE_NORM, slices, List.of(TensorSpec.floats(1), TensorSpec.ints(Shape.of(2))), weight,
                scale);
        Tensor trace = decayed.trace();
        if (trace != null && weight != null) {
            Optional<Tensor> gradient = gradients.find(weight);
            if (gradient.isPresent()) {
                executor.update(Opcode.SLICE_DECAY, slices, List.of(trace, gradient.get()), weight, scale, measured.get(1), scalars);
            }
        }
        return measured.get(0);
    }

    private Tensor applyToPatterns(Executor executor, Gradients gradients, Decayed decayed, PatternSlices patterns) {
        Tensor weight = decayed.layer().weight().orElseThrow().tensor();
        PatternDecay decay = patternDecays.computeIfAbsent(patterns, PatternDecay::new);
        PatternDecay.Measured measured = decay.measure(executor, weight);
        Optional<Tensor> gradient = gradients.find(weight);
        Tensor trace = decayed.trace();
        if (trace != null && gradient.isPresent()) {
            Tensor momentum = executor.run(Opcode.SLICE, new Slice(scalars.shape(), 0, 1, 1), TensorSpec.floats(1), scalars);
            decay.decay(executor, measured, momentum, scalars, trace, gradient.get());
        }
        return measured.norm();
    }

    /// Beta and momentum, which may have been changed, and the traces.
    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        state.put(SCALARS, scalars);
        for (Decayed decayed : layers) {
            if (decayed.trace() != null) {
                state.put(decayed.layer().name() + ".norm_decay_trace", decayed.trace());
            }
        }
        return state;
    }

    /// Checkpoints of earlier versions have the traces only.
    @Override
    public Set<String> optionalState() {
        return Set.of(SCALARS);
    }

    /// `1 / sqrt(var + eps)` `[c]` of the running statistics.
    private static Tensor inverseDeviation(Executor executor, Decayed decayed, BatchNormalization batchNorm) {
        Tensor var = decayed.layer().runningVar(batchNorm);
        Tensor deviation = Elementwise.deviation(executor, var, decayed.eps());
        return Elementwise.binary(executor, BinaryFunction.DIVIDE, decayed.one(), deviation);
    }
}
