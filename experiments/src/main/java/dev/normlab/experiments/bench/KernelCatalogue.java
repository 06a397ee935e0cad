package dev.normlab.experiments.bench;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Fusion;
import dev.normlab.engine.program.LayoutRule;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The distinct operations of networks, read from recordings of a training step (forward, backward, SGD with momentum) and of inference. So
/// the list is what the networks really run, fused operations included, and follows every change of them.
final class KernelCatalogue {

    private static final int SIDE = 32;

    private final Device device;
    private final int batchSize;
    private final Map<KernelCase.Key, KernelCase> cases = new LinkedHashMap<>();

    KernelCatalogue(Device device, int batchSize) {
        this.device = device;
        this.batchSize = batchSize;
    }

    /// Adds the operations of a network on `[batchSize, 3, 32, 32]` images.
    ///
    /// @param name the network's name in the counts
    /// @param spec as on the command line
    void add(String name, ModelSpec spec) {
        Layer model = Models.create(spec, 0);
        model.train();
        model.atStep(0);
        collect(recordTraining(model), name, true);
        model.eval();
        collect(recordInference(model), name, false);
    }

    /// All cases, those of one kind together, the largest first.
    List<KernelCase> cases() {
        List<KernelCase> sorted = new ArrayList<>(cases.values());
        sorted.sort(Comparator.comparing((KernelCase one) -> one.key().opcode())
                .thenComparing(one -> one.work().operations(), Comparator.reverseOrder())
                .thenComparing(one -> one.work().bytes(), Comparator.reverseOrder())
                .thenComparing(one -> KernelNames.of(one.key())));
        return sorted;
    }

    private StepProgram recordTraining(Layer model) {
        Recorder recorder = new Recorder(device);
        List<Parameter> parameters = List.copyOf(model.namedParameters().values());
        Sgd sgd = new Sgd(model, SgdOptions.of(0.01, 0.9, 0));
        sgd.beforeStep();
        Tensor images = recorder.feed("images", TensorSpec.floats(batchSize, 3, SIDE, SIDE));
        Tensor labels = recorder.feed("labels", TensorSpec.ints(Shape.of(batchSize)));
        try (Tape tape = new Tape(recorder, parameters.stream().map(Parameter::tensor).toList())) {
            Objective.Outcome outcome = Objective.crossEntropy().evaluate(tape, model, images, labels);
            recorder.fetch("loss", outcome.loss());
            recorder.fetch("predictions", Reductions.argMax(tape, outcome.logits(), 1, false));
            Gradients gradients = tape.backward(outcome.loss());
            sgd.apply(recorder, gradients);
        }
        return Fusion.fuse(recorder.program());
    }

    private StepProgram recordInference(Layer model) {
        Recorder recorder = new Recorder(device);
        Tensor images = recorder.feed("images", TensorSpec.floats(batchSize, 3, SIDE, SIDE));
        try (Tape tape = new Tape(recorder, List.of())) {
            recorder.fetch("logits", model.forward(tape, images));
        }
        return Fusion.fuse(recorder.program());
    }

    private void collect(StepProgram program, String name, boolean training) {
        boolean[] activation = activations(program);
        for (Operation operation : program.operations()) {
            List<KernelCase.Operand> operands = new ArrayList<>();
            List<@Nullable TensorSpec> inputs = new ArrayList<>();
            for (int id : operation.inputs()) {
                KernelCase.Operand operand = id < 0
                        ? new KernelCase.Operand(null, false, null)
                        : new KernelCase.Operand(program.values().get(id).spec(), activation[id], program.values().get(id).storage());
                operands.add(operand);
                inputs.add(operand.spec());
            }
            List<TensorSpec> outputs = new ArrayList<>();
            for (int id : operation.outputs()) {
                outputs.add(program.values().get(id).spec());
            }
            KernelCase.Key key = new KernelCase.Key(operation.opcode(), operation.attributes(), inputs, outputs);
            cases.computeIfAbsent(key, _ -> new KernelCase(key, operands)).occursIn(name, training);
        }
    }

    /// Which values reach their readers in the layout of activations, by what makes them.
    private static boolean[] activations(StepProgram program) {
        boolean[] activation = new boolean[program.values().size()];
        for (Operation operation : program.operations()) {
            LayoutRule rule = operation.opcode().rule();
            for (int i = 0; i < operation.outputs().length; i++) {
                int id = operation.outputs()[i];
                TensorSpec spec = program.values().get(id).spec();
                boolean images = spec.dtype() == DType.FLOAT32 && spec.shape().rank() == 4;
                activation[id] = images && switch (rule) {
                    case ACTIVATION -> operation.opcode().outputIsActivation(i);
                    case ELEMENTWISE, CHANNELS -> operation.inputs().length > 0 && operation.inputs()[0] >= 0
                            && activation[operation.inputs()[0]];
                    case PLAIN, UPDATE -> false;
                };
            }
        }
        return activation;
    }
}
