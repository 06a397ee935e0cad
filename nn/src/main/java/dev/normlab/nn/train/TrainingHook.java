package dev.normlab.nn.train;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.Tensor;
import java.util.Map;
import java.util.Set;

/// Something that takes part in every training step: norm decay, clipping, projections.
///
/// A hook emits recordable operations on the executor; the step is recorded once and replayed. It works as well in a loop of one's own:
/// `hook.apply(tape.executor(), gradients)` between `tape.backward(loss)` and the optimiser's step, or after it.
public interface TrainingHook {

    /// When a hook runs, in the order of a step. Hooks of one moment run in the order in which they were given.
    enum Moment {
        /// When the gradients are there: adds to them (norm decay).
        AFTER_BACKWARD,
        /// When the gradients are final: changes the parameters before the update (clipping as the paper does it).
        BEFORE_UPDATE,
        /// When the optimiser has changed the parameters: projections.
        AFTER_UPDATE
    }

    /// When the hook runs.
    Moment moment();

    /// Emits the hook's operations, which may change gradients and parameters in place.
    ///
    /// @param gradients of the trained parameters' tensors
    void apply(Executor executor, Gradients gradients);

    /// Whether [#apply] reads values or computes outside the executor. Such a hook cannot be recorded: it splits the step's program and is
    /// called in every step with real values.
    default boolean hostSide() {
        return false;
    }

    /// Whether this hook, if it is one of the host's, has anything to do in the step that [#beforeStep] has announced. An accelerator takes
    /// the other steps as one program.
    default boolean actsOnHost() {
        return hostSide();
    }

    /// Called before every step, recorded or not: brings scalars that [#apply]'s operations read up to date.
    ///
    /// @param step the number of the step, from 0
    default void beforeStep(long step) {}

    /// Whether what the hook does depends on batch norm's running statistics, as projections of its norm do. Where these are estimated anew
    /// at the end of an epoch ([BatchNormEstimate]), such hooks are applied once more, with no gradients.
    default boolean dependsOnStatistics() {
        return false;
    }

    /// The tensors that a checkpoint keeps, by name. They are the hook's own; setting their values restores the state.
    default Map<String, Tensor> state() {
        return Map.of();
    }

    /// The names in [#state] that a checkpoint may lack, because it was written before there were such tensors. They keep their
    /// values then.
    default Set<String> optionalState() {
        return Set.of();
    }
}
