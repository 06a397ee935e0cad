package dev.normlab.nn.optim;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.Tensor;
import java.util.Map;

/// Changes parameters by their gradients.
///
/// A step has two halves, so that it can be recorded once and replayed: [#beforeStep] counts the step and writes the step's scalars
/// (learning rate, bias corrections) into tensors, and [#apply] emits the operations, which only read them. [#step] does both at once.
public interface Optimizer {

    /// Counts a step and brings the scalars that [#apply]'s operations read up to date.
    void beforeStep();

    /// Emits the update of every parameter that is not frozen and has a gradient.
    void apply(Executor executor, Gradients gradients);

    /// Takes one step at once.
    default void step(Executor executor, Gradients gradients) {
        beforeStep();
        apply(executor, gradients);
    }

    /// The learning rate of the next steps.
    double learningRate();

    /// Sets the learning rate of the next steps, recorded ones included.
    ///
    /// @throws IllegalArgumentException if it is negative, NaN or infinite
    void learningRate(double rate);

    /// How many steps were taken.
    long steps();

    /// Continues after this many steps, with the [#state] that was reached then.
    void steps(long taken);

    /// The tensors that a checkpoint keeps, by name: momentum and the like. They are the optimiser's own; setting their values restores the
    /// state.
    Map<String, Tensor> state();
}
