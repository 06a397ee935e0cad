package dev.normlab.nn.optim;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Stochastic gradient descent with momentum, as PyTorch's:
///
///     g = gradient + weightDecay * p
///     v = g in the parameter's first step, else momentum * v + (1 - dampening) * g
///     p = p - learningRate * (nesterov ? g + momentum * v : v)
///
/// A parameter's first step is its first with a gradient that is not zero everywhere: the first of the run, or later if it was frozen until
/// then.
public final class Sgd implements Optimizer {

    private final SgdOptions options;
    private final Map<Parameter, Tensor> velocities = new LinkedHashMap<>();
    // One for each parameter: the first step differs where there is dampening.
    private final Map<Parameter, Tensor> scalars = new LinkedHashMap<>();
    private final Set<Parameter> started = new HashSet<>();
    private double learningRate;
    private long steps;

    /// For all parameters of a model.
    public Sgd(Layer model, SgdOptions options) {
        this.options = options;
        this.learningRate = options.learningRate();
        for (Parameter parameter : model.namedParameters().values()) {
            velocities.put(parameter, Tensor.zeros(parameter.shape().toArray()).named("velocity of " + parameter.name()));
            scalars.put(parameter, Tensor.zeros(6).named("sgd scalars of " + parameter.name()));
        }
    }

    @Override
    public void beforeStep() {
        scalars.forEach((parameter, values) -> values.set((float) learningRate, (float) options.momentum(), (float) options.dampening(),
                (float) options.weightDecay(), options.nesterov() ? 1f : 0f, isFirstStepOf(parameter) ? 1f : 0f));
        steps++;
    }

    // Velocities are what a checkpoint keeps, so they say it; without dampening it makes no difference, and nothing has to be read.
    private boolean isFirstStepOf(Parameter parameter) {
        if (steps == 0 || options.dampening() == 0 || options.momentum() == 0 || started.contains(parameter)) {
            return steps == 0;
        }
        for (float value : Objects.requireNonNull(velocities.get(parameter)).storage().floats()) {
            if (value != 0) {
                started.add(parameter);
                return false;
            }
        }
        return true;
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        velocities.forEach((parameter, velocity) -> {
            if (!parameter.frozen()) {
                gradients.find(parameter.tensor()).ifPresent(
                        gradient -> executor.update(Opcode.SGD, null, List.of(parameter.tensor(), velocity), gradient,
                                Objects.requireNonNull(scalars.get(parameter))));
            }
        });
    }

    @Override
    public double learningRate() {
        return learningRate;
    }

    @Override
    public void learningRate(double rate) {
        SgdOptions.requireRate("learning rate", rate);
        learningRate = rate;
    }

    @Override
    public long steps() {
        return steps;
    }

    @Override
    public void steps(long taken) {
        steps = taken;
        started.clear();
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        velocities.forEach((parameter, velocity) -> state.put(parameter.name() + ".velocity", velocity));
        return state;
    }
}
