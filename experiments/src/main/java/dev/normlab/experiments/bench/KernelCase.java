package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Attributes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One distinct operation of the networks: what, on which sizes, and how often each network does it in a step.
final class KernelCase {

    private final Key key;
    private final List<Operand> inputs;
    private final Map<String, Integer> training = new LinkedHashMap<>();
    private final Map<String, Integer> inference = new LinkedHashMap<>();

    /// What makes two operations the same piece of work.
    ///
    /// @param inputs  specifications; null for an absent operand
    /// @param outputs of what is made, or updated in place
    record Key(Opcode opcode, @Nullable Object attributes, List<@Nullable TensorSpec> inputs, List<TensorSpec> outputs) {}

    /// An operand as the program has it.
    ///
    /// @param spec       null if the operand is absent
    /// @param activation whether it comes in the backend's layout of activations
    /// @param resident   a parameter or a scalar of the program
    record Operand(@Nullable TensorSpec spec, boolean activation, @Nullable Storage resident) {}

    KernelCase(Key key, List<Operand> inputs) {
        this.key = key;
        this.inputs = List.copyOf(inputs);
    }

    Key key() {
        return key;
    }

    List<Operand> inputs() {
        return inputs;
    }

    /// The sizes, if this is a kernel of a convolution, alone or fused.
    Optional<Conv2dSizes> convolution() {
        return convolution(key.attributes);
    }

    static Optional<Conv2dSizes> convolution(@Nullable Object attributes) {
        return switch (attributes) {
            case Conv2dSizes sizes -> Optional.of(sizes);
            case Attributes.NormalisedConvolution normalised -> Optional.of(normalised.convolution());
            case null, default -> Optional.empty();
        };
    }

    /// What a device computes the convolution by, if this is one.
    Optional<ConvolutionAlgorithm> algorithm(Device device) {
        ConvolutionPass pass = switch (key.opcode) {
            case CONV2D_BACKWARD_INPUT -> ConvolutionPass.BACKWARD_INPUT;
            case CONV2D_BACKWARD_WEIGHT -> ConvolutionPass.BACKWARD_WEIGHT;
            default -> ConvolutionPass.FORWARD;
        };
        return convolution().map(sizes -> device.kernels().convolutions().algorithm(sizes, pass));
    }

    KernelWork work() {
        List<TensorSpec> present = new ArrayList<>();
        key.inputs.stream().filter(Objects::nonNull).forEach(present::add);
        return KernelWork.of(key.opcode, key.attributes, present, key.outputs);
    }

    /// Counts one more occurrence in a step of a network.
    void occursIn(String model, boolean inTraining) {
        (inTraining ? training : inference).merge(model, 1, Integer::sum);
    }

    /// How often a training step of each network does this.
    Map<String, Integer> training() {
        return training;
    }

    /// How often a forward pass in evaluation mode does this.
    Map<String, Integer> inference() {
        return inference;
    }
}
