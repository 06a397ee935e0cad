package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Remembers the operations of a forward pass, define-by-run, and runs them backwards.
///
/// A tape *watches* some tensors (the parameters in training, the image in an attack); only what depends on them is remembered, and only
/// gradients on the way to them are computed: an attack never computes a weight gradient. The tape owns all intermediates and hands their
/// memory back when it closes.
///
/// ```java
/// try (Tape tape = Tape.eager(device, List.of(weight))) {
///     Tensor loss = Losses.crossEntropy(tape, Linear.linear(tape, x, weight, bias), labels);
///     Tensor dWeight = tape.backward(loss).of(weight);
/// }
/// ```
public final class Tape implements AutoCloseable {

    private final Executor executor;
    private final Set<Tensor> watched = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Tensor> tracked = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Node> nodes = new ArrayList<>();

    private record Node(Tensor output, Backward backward) {}

    /// How one operation passes a gradient on.
    @FunctionalInterface
    public interface Backward {

        /// Given the gradient of the output, adds gradients for the operation's inputs to `sink`.
        void run(Tensor dOut, Sink sink);
    }

    /// Receives the gradients of an operation's inputs.
    public final class Sink {

        private final Map<Tensor, Tensor> gradients = new IdentityHashMap<>();

        private Sink() {}

        /// Whether the gradient of this input is wanted; [#add] asks by itself.
        public boolean wants(@Nullable Tensor input) {
            return tracks(input);
        }

        /// Adds a gradient of an input; the supplier runs only if it is wanted. An absent input is never wanted.
        public void add(@Nullable Tensor input, Supplier<Tensor> gradient) {
            if (input == null || !tracks(input)) {
                return;
            }
            Tensor fresh = gradient.get();
            if (!fresh.shape().equals(input.shape())) {
                throw new ShapeException("backward: the gradient of " + input + " came out as " + fresh);
            }
            Tensor known = gradients.get(input);
            gradients.put(input, known == null ? fresh : sum(known, fresh));
        }
    }

    /// A tape over an executor, which it closes with itself.
    ///
    /// @param watch the tensors whose gradients are wanted; may be empty, for inference
    public Tape(Executor executor, Collection<Tensor> watch) {
        this.executor = executor;
        watched.addAll(watch);
        tracked.addAll(watch);
    }

    /// A tape that computes at once.
    public static Tape eager(Device device, Collection<Tensor> watch) {
        return new Tape(new EagerExecutor(device), watch);
    }

    /// A tape that computes at once and remembers nothing.
    public static Tape inference(Device device) {
        return eager(device, List.of());
    }

    /// Where operations go.
    public Executor executor() {
        return executor;
    }

    /// Whether gradients flow to this tensor.
    public boolean tracks(@Nullable Tensor tensor) {
        return tensor != null && tracked.contains(tensor);
    }

    /// Whether gradients flow to any of these tensors; absent ones do not count.
    public boolean tracksAny(@Nullable Tensor... tensors) {
        for (Tensor tensor : tensors) {
            if (tracks(tensor)) {
                return true;
            }
        }
        return false;
    }

    /// Runs an operation with one float output. Its backward rule, if any of its inputs is tracked, is added with [#onBackward].
    public Tensor run(Opcode opcode, @Nullable Object attributes, TensorSpec output, @Nullable Tensor... inputs) {
        return executor.run(opcode, attributes, output, inputs);
    }

    /// Runs an operation with several outputs.
    public List<Tensor> run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs, @Nullable Tensor... inputs) {
        return executor.run(opcode, attributes, outputs, inputs);
    }

    /// Remembers how `output` passes its gradient to `inputs`, if one of them is tracked; returns `output`.
    public Tensor onBackward(Tensor output, List<@Nullable Tensor> inputs, Backward backward) {
        boolean needed = false;
        for (Tensor input : inputs) {
            needed |= tracks(input);
        }
        if (needed) {
            tracked.add(output);
            nodes.add(new Node(output, backward));
        }
        return output;
    }

    /// The same values as a constant: no gradient flows through.
    public Tensor detach(Tensor tensor) {
        return executor.alias(tensor);
    }

    /// Lets a tensor survive [#close()].
    public Tensor keep(Tensor tensor) {
        return executor.keep(tensor);
    }

    /// The gradients of a one-element result.
    ///
    /// @throws ShapeException if the result has more than one element; pass its gradient then
    public Gradients backward(Tensor result) {
        if (result.shape().elements() != 1 || result.dtype() != DType.FLOAT32) {
            throw new ShapeException("backward: expected a float result of one element, such as a loss, but got " + result
                    + "; reduce it, or pass the gradient of the result");
        }
        return backward(result, Tensor.of(result.shape(), 1f));
    }

    /// The gradients of `sum(result * dResult)`.
    ///
    /// @throws IllegalArgumentException if the result depends on no watched tensor
    public Gradients backward(Tensor result, Tensor dResult) {
        if (!tracks(result)) {
            throw new IllegalArgumentException("backward: the result " + result + " does not depend on any tensor that this tape watches");
        }
        if (!dResult.shape().equals(result.shape())) {
            throw new ShapeException("backward: the gradient of " + result + " must have its shape, but got " + dResult);
        }
        Sink sink = new Sink();
        sink.gradients.put(result, dResult);
        for (Node node : nodes.reversed()) {
            Tensor dOut = watched.contains(node.output) ? sink.gradients.get(node.output) : sink.gradients.remove(node.output);
            if (dOut != null) {
                node.backward.run(dOut, sink);
            }
        }
        return new Gradients(ownGradients(sink, dResult));
    }

    /// The gradients of the watched tensors, each in memory of its own. Some operations pass a gradient on as it is (a sum to both of its
    /// operands), but whoever gets the gradients may change them in place, as norm decay does.
    private Map<Tensor, Tensor> ownGradients(Sink sink, Tensor dResult) {
        Map<Tensor, Tensor> wanted = new IdentityHashMap<>();
        Set<Tensor> taken = Collections.newSetFromMap(new IdentityHashMap<>());
        taken.add(dResult);
        for (Tensor tensor : watched) {
            Tensor gradient = sink.gradients.get(tensor);
            if (gradient != null) {
                wanted.put(tensor, taken.add(gradient) ? gradient : run(Opcode.RESHAPE, null, gradient.spec(), gradient));
            }
        }
        return wanted;
    }

    private Tensor sum(Tensor a, Tensor b) {
        BroadcastSizes sizes = new BroadcastSizes(BinaryFunction.ADD, a.shape(), b.shape(), a.shape());
        return run(Opcode.BINARY, sizes, a.spec(), a, b);
    }

    /// Hands all intermediates back.
    @Override
    public void close() {
        nodes.clear();
        executor.close();
    }
}
