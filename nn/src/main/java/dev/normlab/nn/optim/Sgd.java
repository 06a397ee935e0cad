package dev.normlab.nn.optim;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Stochastic gradient descent with momentum, as PyTorch's:
///
///     g = gradient + weightDecay * p
///     v = g in the first step, else momentum * v + (1 - dampening) * g
///     p = p - learningRate * (nesterov ? g + momentum * v : v)
public final class Sgd implements Optimizer {

    private final SgdOptions options;
    private final Map<Parameter, Tensor> velocities = new LinkedHashMap<>();
    private final Tensor scalars = Tensor.zeros(6).named("sgd scalars");
    private double learningRate;
    private long steps;

    /// For all parameters of a model.
    public Sgd(Layer model, SgdOptions options) {
        this.options = options;
        this.learningRate = options.learningRate();
        for (Parameter parameter : model.namedParameters().values()) {
            velocities.put(parameter, Tensor.zeros(parameter.shape().toArray()).named("velocity of " + parameter.name()));
        }
    }

    @Override
    public void beforeStep() {
        scalars.set((float) learningRate, (float) options.momentum(), (float) options.dampening(), (float) options.weightDecay(),
                options.nesterov() ? 1f : 0f, steps == 0 ? 1f : 0f);
        steps++;
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        velocities.forEach((parameter, velocity) -> {
            if (!parameter.frozen()) {
                gradients.find(parameter.tensor()).ifPresent(
                        gradient -> executor.update(Opcode.SGD, null, List.of(parameter.tensor(), velocity), gradient, scalars));
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
    }

    @Override
    public Map<String, Tensor> state() {
        Map<String, Tensor> state = new LinkedHashMap<>();
        velocities.forEach((parameter, velocity) -> state.put(parameter.name() + ".velocity", velocity));
        return state;
    }
}
