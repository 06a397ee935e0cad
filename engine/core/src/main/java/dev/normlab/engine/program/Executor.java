package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where operations go: computed at once ([EagerExecutor]) or written down ([Recorder]).
///
/// Everything that computes (autograd, optimisers, norm decay, attacks) speaks to this interface, so that the same code trains eagerly, is
/// recorded once and replayed, or is compiled for a GPU. Shapes were checked by the caller.
public interface Executor extends AutoCloseable {

    /// The device on which operations run or will run.
    Device device();

    /// Runs an operation that makes new tensors.
    ///
    /// @param attributes the record that the opcode names, or null if it has none
    /// @param outputs    what the new tensors are
    /// @param inputs     the operands in the opcode's order; null for an absent one
    List<Tensor> run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs, @Nullable Tensor... inputs);

    /// Runs an operation that changes existing tensors in place.
    void update(Opcode opcode, @Nullable Object attributes, List<Tensor> targets, @Nullable Tensor... inputs);

    /// Another handle on the same values, which no tape knows: the way to stop a gradient.
    Tensor alias(Tensor tensor);

    /// Lets a tensor survive [#close()].
    Tensor keep(Tensor tensor);

    /// An executor for a part whose intermediates nobody needs afterwards: closing it hands them back at once, all but those it
    /// [keeps][#keep].
    Executor nested();

    /// Runs an operation with one float output.
    default Tensor run(Opcode opcode, @Nullable Object attributes, TensorSpec output, @Nullable Tensor... inputs) {
        return run(opcode, attributes, List.of(output), inputs).getFirst();
    }

    /// Hands intermediates back to the pool.
    @Override
    void close();
}
