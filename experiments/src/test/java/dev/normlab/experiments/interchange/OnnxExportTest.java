package dev.normlab.experiments.interchange;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// ONNX files are read back here by the encoding's own rules; that runtimes compute the same from them is what tools/onnx/check.py checks.
class OnnxExportTest {

    private static final ImageShape IMAGE = new ImageShape(3, 32, 32);

    @TempDir
    private Path folder;

    /// A message: for every field its values in order; numbers, or bytes.
    private record Message(Map<Integer, List<Object>> fields) {

        static Message of(byte[] bytes) {
            Map<Integer, List<Object>> fields = new HashMap<>();
            ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            while (in.hasRemaining()) {
                long tag = varint(in);
                Object value = switch ((int) (tag & 7)) {
                    case 0 -> varint(in);
                    case 2 -> {
                        byte[] content = new byte[(int) varint(in)];
                        in.get(content);
                        yield content;
                    }
                    case 5 -> in.getFloat();
                    default -> throw new AssertionError("wire type " + (tag & 7));
                };
                fields.computeIfAbsent((int) (tag >>> 3), _ -> new ArrayList<>()).add(value);
            }
            return new Message(fields);
        }

        private static long varint(ByteBuffer in) {
            long value = 0;
            for (int shift = 0;; shift += 7) {
                byte next = in.get();
                value |= (long) (next & 0x7F) << shift;
                if (next >= 0) {
                    return value;
                }
            }
        }

        List<Object> all(int field) {
            return fields.getOrDefault(field, List.of());
        }

        List<Message> messages(int field) {
            return all(field).stream().map(value -> of((byte[]) value)).toList();
        }

        List<String> texts(int field) {
            return all(field).stream().map(value -> new String((byte[]) value, StandardCharsets.UTF_8)).toList();
        }

        String text(int field) {
            return texts(field).getFirst();
        }
    }

    private Message graph(Layer model) throws IOException {
        Path file = folder.resolve("model.onnx");
        try (Device device = Device.cpu(1)) {
            OnnxExport.write(model, "test", IMAGE, device, file);
        }
        Message all = Message.of(Files.readAllBytes(file));
        assertEquals(List.of(8L), all.all(1), "IR version");
        assertEquals(List.of(17L), all.messages(8).getFirst().all(2), "version of the operators");
        return all.messages(7).getFirst();
    }

    @Test
    void aNetworkIsWrittenOperatorByOperator() throws IOException {
        Layer model = Models.create("vgg11:width=0.0625", 3);
        Message graph = graph(model);
        List<String> operators = graph.messages(1).stream().map(node -> node.text(4)).toList();
        assertEquals(List.of("Conv", "BatchNormalization", "Relu", "MaxPool"), operators.subList(0, 4));
        assertEquals(8, operators.stream().filter("Conv"::equals).count());
        assertEquals(List.of("Gemm", "Identity"), operators.subList(operators.size() - 2, operators.size()));
        assertEquals("images", graph.messages(11).getFirst().text(1));
        assertEquals("logits", graph.messages(12).getFirst().text(1));
        assertEquals(List.of("images", "features.0.weight", "features.0.bias"), graph.messages(1).getFirst().texts(1));
    }

    @Test
    void weightsAreWrittenBitForBit() throws IOException {
        Layer model = Models.create("vgg11:width=0.0625", 3);
        Map<String, Message> constants = new LinkedHashMap<>();
        graph(model).messages(5).forEach(constant -> constants.put(constant.text(8), constant));
        model.namedParameters().forEach((name, parameter) -> {
            Message constant = constants.get(name);
            Tensor tensor = parameter.tensor();
            assertArrayEquals(tensor.shape().toArray(), constant.all(1).stream().mapToInt(size -> ((Long) size).intValue()).toArray(),
                    name);
            float[] values = new float[tensor.shape().elements()];
            ByteBuffer.wrap((byte[]) constant.all(9).getFirst()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
            assertArrayEquals(tensor.toArray(), values, name);
        });
    }

    static Stream<String> models() {
        return Models.names().stream();
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyModelCanBeWrittenAndNodesReadOnlyWhatIsThere(String name) throws IOException {
        Message graph = graph(Models.create(name + ":width=0.0625", 1));
        Set<String> known = new HashSet<>(Set.of("images", ""));
        graph.messages(5).forEach(constant -> assertTrue(known.add(constant.text(8)), () -> "twice: " + constant.text(8)));
        for (Message node : graph.messages(1)) {
            node.texts(1).forEach(input -> assertTrue(known.contains(input), () -> node.text(3) + " reads " + input));
            assertTrue(known.add(node.text(2)), () -> "twice: " + node.text(2));
        }
        assertTrue(known.contains("logits"));
    }

    @Test
    void whatOnnxHasNoOperatorForIsRefusedByNameAndLeavesNoFile() {
        Layer circular = new Layer() {
            @Override
            protected Tensor compute(Tape tape, Tensor x) {
                return Arrangement.pad(tape, x, 1, 1, 1, 1, PadMode.CIRCULAR);
            }
        };
        String message = assertThrows(IllegalArgumentException.class, () -> graph(circular)).getMessage();
        assertTrue(message.contains("circular padding"), message);
        assertFalse(Files.exists(folder.resolve("model.onnx")));
    }
}
