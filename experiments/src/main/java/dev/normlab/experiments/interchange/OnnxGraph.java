package dev.normlab.experiments.interchange;

import java.util.ArrayList;
import java.util.List;

/// A graph of ONNX operators as it grows: nodes, constants, input and output. Field numbers are those of `onnx.proto` (IR version 8).
///
/// Source: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
final class OnnxGraph {

    /// The version of the operators: the first in which all that are used here have their present form, read by every runtime since 2022.
    static final int OPSET = 17;

    private static final int IR_VERSION = 8;
    private static final int FLOAT = 1;
    private static final int INT64 = 7;

    private final ProtoMessage graph = new ProtoMessage();
    private final List<ProtoMessage> constants = new ArrayList<>();
    private int names;

    /// An attribute of a node.
    record Attribute(String name, Object value) {

        ProtoMessage message() {
            ProtoMessage message = new ProtoMessage().text(1, name);
            switch (value) {
                case Float real -> message.real(2, real).integer(20, 1);
                case Integer whole -> message.integer(3, whole).integer(20, 2);
                case String text -> message.text(4, text).integer(20, 3);
                case int[] list -> {
                    for (int each : list) {
                        message.integer(8, each);
                    }
                    message.integer(20, 7);
                }
                default -> throw new IllegalArgumentException("an attribute is a number, a text or a list, not " + value.getClass());
            }
            return message;
        }
    }

    static Attribute of(String name, Object value) {
        return new Attribute(name, value);
    }

    /// A name that no other value has.
    String fresh() {
        return "v" + names++;
    }

    /// Adds a node with one result and returns the name of that.
    ///
    /// @param inputs names; an empty one is an absent operand
    String node(String operator, List<String> inputs, Attribute... attributes) {
        String output = fresh();
        node(operator, inputs, output, attributes);
        return output;
    }

    /// Adds a node whose result has this name.
    void node(String operator, List<String> inputs, String output, Attribute... attributes) {
        ProtoMessage node = new ProtoMessage();
        inputs.forEach(input -> node.text(1, input));
        node.text(2, output).text(3, operator + " " + output).text(4, operator);
        for (Attribute attribute : attributes) {
            node.message(5, attribute.message());
        }
        graph.message(1, node);
    }

    /// A constant of floats under this name; the array is read when the model is written.
    void floats(String name, int[] shape, float[] values, int count) {
        ProtoMessage tensor = new ProtoMessage();
        for (int size : shape) {
            tensor.integer(1, size);
        }
        constants.add(tensor.integer(2, FLOAT).text(8, name).rawFloats(9, values, count));
    }

    /// A constant with one float; returns its name.
    String scalar(float value) {
        String name = fresh();
        floats(name, new int[0], new float[] {value}, 1);
        return name;
    }

    /// A constant list of integers; returns its name.
    String integers(long... values) {
        String name = fresh();
        constants.add(new ProtoMessage().integer(1, values.length).integer(2, INT64).text(8, name).rawLongs(9, values));
        return name;
    }

    /// The whole model.
    ///
    /// @param input  name of the images; `sizes` without the batch
    /// @param output name of the result; `results` without the batch
    ProtoMessage model(String name, String version, String input, int[] sizes, String output, int[] results) {
        graph.text(2, name);
        constants.forEach(constant -> graph.message(5, constant));
        graph.message(11, value(input, sizes)).message(12, value(output, results));
        return new ProtoMessage().integer(1, IR_VERSION).text(2, "normlab").text(3, version).message(7, graph)
                .message(8, new ProtoMessage().text(1, "").integer(2, OPSET));
    }

    // float [n, sizes..]
    private static ProtoMessage value(String name, int[] sizes) {
        ProtoMessage shape = new ProtoMessage().message(1, new ProtoMessage().text(2, "n"));
        for (int size : sizes) {
            shape.message(1, new ProtoMessage().integer(1, size));
        }
        ProtoMessage tensor = new ProtoMessage().integer(1, FLOAT).message(2, shape);
        return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensor));
    }
}
