package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.OperationCases;
import dev.normlab.testkit.Samples;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whole models, recorded and replayed with fused operations, give the bits of eager execution.
class RecordedModelsTest {

    private static final Tensor IMAGES = Samples.uniform(1, 0f, 1f, 3, 3, 32, 32);
    private static final Tensor LABELS = Samples.integers(2, 10, 3);

    /// A backend and a model.
    private static Stream<List<String>> models() {
        List<String> specs = List.of("vgg11:width=0.125", "resnet18:width=0.125", "resnet50:width=0.0625", "senet18:width=0.125",
                "regnetx200mf:width=0.5", "regnety400mf:width=0.25", "lenet:width=0.5", "preactresnet50:width=0.0625",
                "resnext29_4x64d:width=0.0625", "densenet_cifar:width=0.25", "dpn26:width=0.03", "googlenet:width=0.0625",
                "pnasneta:width=0.125", "pnasnetb:width=0.25", "mobilenet:width=0.125", "mobilenetv2:width=0.125",
                "shufflenetg3:width=0.1", "shufflenetv2_0.5:width=0.25", "efficientnetb0:width=0.125,dropconnect=0.5",
                "wrn28-10:width=0.0625,dropout=0.3");
        return Stream.concat(specs.stream().map(spec -> List.of("cpu", spec)),
                Stream.of(List.of("scalar", "resnet18:width=0.0625"), List.of("scalar", "senet18:width=0.0625")));
    }

    @ParameterizedTest
    @MethodSource("models")
    void stepsOfTrainingReplayBitwise(List<String> backendAndModel) {
        try (Device device = Device.open(backendAndModel.get(0), 2)) {
            Map<String, int[]> eager = train(backendAndModel.get(1), device, true);
            Map<String, int[]> replayed = train(backendAndModel.get(1), device, false);
            assertEquals(eager.keySet(), replayed.keySet());
            eager.forEach((name, bits) -> assertArrayEquals(bits, replayed.get(name), name));
        }
    }

    private static Map<String, int[]> train(String spec, Device device, boolean eagerly) {
        Layer model = Models.create(spec, 3);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.1, 0.9, 5e-4));
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(), device)) {
            for (int i = 0; i < 2; i++) {
                if (eagerly) {
                    step.runEagerly(IMAGES, LABELS);
                } else {
                    step.run(IMAGES, LABELS);
                }
            }
        }
        Map<String, int[]> state = new LinkedHashMap<>();
        model.stateDict().forEach((name, tensor) -> state.put(name, OperationCases.bits(tensor)));
        return state;
    }

    @ParameterizedTest
    @MethodSource("models")
    void logitsAndTheGradientOfTheImagesReplayBitwise(List<String> backendAndModel) {
        try (Device device = Device.open(backendAndModel.get(0), 2)) {
            Layer model = Models.create(backendAndModel.get(1), 3);
            train(model, device);
            model.eval();
            Tensor logits;
            Tensor gradient;
            Recorder recorder = new Recorder(device);
            record(model, recorder);
            try (Tape tape = Tape.eager(device, List.of(IMAGES)); Interpreter interpreter = new Interpreter(recorder.program(), device)) {
                logits = model.forward(tape, IMAGES);
                gradient = tape.backward(loss(tape, logits, LABELS)).of(IMAGES);
                for (int replay = 0; replay < 2; replay++) {
                    Map<String, Tensor> results = interpreter.replay(Map.of("x", IMAGES, "labels", LABELS));
                    assertArrayEquals(OperationCases.bits(logits), OperationCases.bits(results.get("logits")), "logits");
                    assertArrayEquals(OperationCases.bits(gradient), OperationCases.bits(results.get("gradient")), "gradient");
                    assertArrayEquals(OperationCases.bits(logits), OperationCases.bits(results.get("inference")), "without a gradient");
                }
            }
        }
    }

    // Running statistics that are not those of a fresh model.
    private static void train(Layer model, Device device) {
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.01, 0, 0)), List.of(),
                device)) {
            step.run(IMAGES, LABELS);
        }
    }

    private static void record(Layer model, Recorder recorder) {
        Tensor x = recorder.feed("x", IMAGES.spec());
        Tensor labels = recorder.feed("labels", LABELS.spec());
        Tape tape = new Tape(recorder, List.of(x));
        Tensor logits = model.forward(tape, x);
        recorder.fetch("logits", logits);
        recorder.fetch("gradient", tape.backward(loss(tape, logits, labels)).of(x));
        recorder.fetch("inference", model.forward(new Tape(recorder, List.of()), x));
    }

    private static Tensor loss(Tape tape, Tensor logits, Tensor labels) {
        return Reductions.sum(tape, Losses.crossEntropy(tape, logits, labels, CrossEntropyOptions.of(Reduction.NONE)), false);
    }
}
