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

/// Adam (Kingma & Ba, 2015) and AdamW (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019), as PyTorch's.
public final class Adam implements Optimizer {

    private final AdamOptions options;
    private final Map<Parameter, Moments> moments = new LinkedHashMap<>();
    private final Tensor scalars = Tensor.zeros(8).named("adam scalars");
    private double learningRate;
    private long steps;

    private record Moments(Tensor first, Tensor second) {}

    /// For all parameters of a model.
    public Adam(Layer model, AdamOptions options) {
        this.options = options;
        this.learningRate = options.learningRate();
        for (Parameter parameter : model.namedParameters().values()) {
            int[] sizes = parameter.shape().toArray();
            moments.put(parameter, new Moments(Tensor.zeros(sizes).named("first moment of " + parameter.name()),
                    Tensor.zeros(sizes).named("second moment of " + parameter.name())));
        }
    }

    @Override
    public void beforeStep() {
        steps++;
        float beta1 = (float) options.beta1();
        float beta2 = (float) options.beta2();
        // The corrections belong to the betas that the kernel sees: 1 - 0.999f differs from 0.001 by 1e-5 of itself.
        scalars.set((float) learningRate, beta1, beta2, (float) options.eps(), (float) options.weightDecay(), options.decoupled() ? 1f : 0f,
                (float) (1 - StrictMath.pow(beta1, steps)), (float) (1 - StrictMath.pow(beta2, steps)));
    }

    @Override
    public void apply(Executor executor, Gradients gradients) {
        moments.forEach((parameter, moment) -> {
            if (!parameter.frozen()) {
                gradients.find(parameter.tensor()).ifPresent(gradient -> executor.update(Opcode.ADAM, null,
                        List.of(parameter.tensor(), moment.first, moment.second), gradient, scalars));
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
        moments.forEach((parameter, moment) -> {
            state.put(parameter.name() + ".first_moment", moment.first);
            state.put(parameter.name() + ".second_moment", moment.second);
        });
        return state;
    }
}
