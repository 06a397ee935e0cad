package dev.normlab.experiments.interchange;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.program.StepProgram.Role;
import dev.normlab.engine.program.StepProgram.Value;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Models as ONNX files: the forward pass in evaluation mode, from images `[n, c, h, w]` in [0, 1] to logits `[n, classes]`, for any `n`.
///
/// The pass is recorded, and its program is what is written: constants keep the parameters' names.
public final class OnnxExport {

    /// The name of the images in the file.
    public static final String INPUT = "images";

    /// The name of the logits in the file.
    public static final String OUTPUT = "logits";

    /// The largest file of Protocol Buffers.
    private static final long MOST_BYTES = Integer.MAX_VALUE;

    // A batch whose size no other dimension is likely to have, so that it can be told apart.
    private static final int BATCH = 53;

    private OnnxExport() {}

    /// Writes a model.
    ///
    /// @param name of the graph, for example the model's specification
    /// @throws IllegalArgumentException if an operation of the model has no counterpart, or the file would exceed 2 GiB
    /// @throws IOException              if the file cannot be written; an old one is left as it was then
    public static void write(Layer model, String name, ImageShape image, Device device, Path file) throws IOException {
        ProtoMessage message = message(model, name, image, device);
        if (message.size() > MOST_BYTES) {
            throw new IllegalArgumentException("an ONNX file holds at most 2 GiB, but the model needs " + message.size() + " bytes");
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(fresh))) {
            message.writeTo(out);
        }
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    }

    static ProtoMessage message(Layer model, String name, ImageShape image, Device device) {
        StepProgram program = record(model, image, device);
        OnnxGraph graph = new OnnxGraph();
        OnnxOperators operators = new OnnxOperators(graph, BATCH);
        String[] names = new String[program.values().size()];
        for (int id = 0; id < names.length; id++) {
            names[id] = name(program.values().get(id), graph);
        }
        for (Operation operation : program.operations()) {
            List<String> inputs = new ArrayList<>();
            List<Shape> shapes = new ArrayList<>();
            for (int id : operation.inputs()) {
                inputs.add(id < 0 ? "" : names[id]);
                if (id >= 0) {
                    shapes.add(program.values().get(id).spec().shape());
                }
            }
            int result = operation.outputs()[0];
            names[result] = operators.add(operation, inputs, shapes, program.values().get(result).spec().shape());
        }
        int logits = program.fetches().getOrDefault(OUTPUT, -1);
        graph.node("Identity", List.of(names[logits]), OUTPUT);
        int[] result = program.values().get(logits).spec().shape().toArray();
        String version = OnnxExport.class.getPackage().getImplementationVersion();
        return graph.model(name, version == null ? "" : version, INPUT, new int[] {image.channels(), image.height(), image.width()}, OUTPUT,
                Arrays.copyOfRange(result, 1, result.length));
    }

    private static StepProgram record(Layer model, ImageShape image, Device device) {
        LayerModes modes = LayerModes.evaluating(model);
        Recorder recorder = new Recorder(device);
        try (Tape tape = new Tape(recorder, List.of())) {
            TensorSpec images = TensorSpec.floats(BATCH, image.channels(), image.height(), image.width());
            Tensor logits = model.forward(tape, recorder.feed(INPUT, images));
            recorder.fetch(OUTPUT, logits);
        } finally {
            modes.restore();
        }
        return recorder.program();
    }

    /// The name of a value that no operation makes; constants are added to the graph.
    private static String name(Value value, OnnxGraph graph) {
        if (value.role() == Role.FEED) {
            return INPUT;
        }
        if (value.role() != Role.RESIDENT || value.storage() == null || value.spec().dtype() != DType.FLOAT32) {
            return "";
        }
        String name = value.name() == null ? graph.fresh() : value.name();
        int elements = value.spec().shape().elements();
        float[] values = value.storage().floats();
        if (value.storage().layout().isBlocked()) {
            values = Tensor.of(value.storage()).toArray();
        }
        graph.floats(name, value.spec().shape().toArray(), values, elements);
        return name;
    }
}
