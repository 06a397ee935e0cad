package dev.normlab.engine.program;

import dev.normlab.engine.tensor.Tensor;
import java.util.Map;

/// Two recorded programs that run one after the other on an accelerator: a replay runs the first, [#finish()] the second. What the first
/// fetches under the name of a feed of the second is *held*: it stays in the accelerator's memory, where the second finds it.
///
/// So a training step can be looked at between its gradients and its update without the gradients ever crossing to the host.
public interface StagedProgram extends CompiledProgram {

    /// Whether all that the last replay holds are finite numbers.
    boolean heldIsFinite();

    /// Copies of what the last replay holds, by name; valid as what a replay returns.
    Map<String, Tensor> held();

    /// Runs the second program after a replay of the first.
    void finish();
}
