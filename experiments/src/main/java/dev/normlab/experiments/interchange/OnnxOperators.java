package dev.normlab.experiments.interchange;

import static dev.normlab.experiments.interchange.OnnxGraph.of;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes.ClampRange;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Attributes.Softmax;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/// What operations of a recorded forward pass are in ONNX: each becomes one operator, or a few.
///
/// The recorded batch stands for any: a first size that is the batch's is taken from the data.
final class OnnxOperators {

    private final OnnxGraph graph;
    private final int batch;

    /// @param batch the size of the recorded batch
    OnnxOperators(OnnxGraph graph, int batch) {
        this.graph = graph;
        this.batch = batch;
    }

    /// Adds an operation and returns the name of its (first) result.
    ///
    /// @param inputs names of its operands; empty for absent ones
    /// @param shapes of the operands; null for absent ones
    /// @throws IllegalArgumentException if ONNX has nothing for it, or not with these attributes
    String add(Operation operation, List<String> inputs, List<Shape> shapes, Shape result) {
        String x = inputs.getFirst();
        return switch (operation.opcode()) {
            case CONV2D -> convolution(attributes(operation, Conv2dSizes.class), inputs);
            case GEMM -> product(attributes(operation, GemmSizes.class), inputs);
            case BATCH_NORM_EVAL -> batchNorm(attributes(operation, BatchNormSizes.class), inputs);
            case MAX_POOL -> maxPool(attributes(operation, Pool2dSizes.class), x);
            case AVERAGE_POOL -> averagePool(attributes(operation, Pool2dSizes.class), x);
            case ADAPTIVE_AVERAGE_POOL -> adaptivePool(attributes(operation, AdaptivePoolSizes.class), x);
            case UNARY -> unary(attributes(operation, UnaryFunction.class), x);
            case BINARY -> graph.node(binary(attributes(operation, BroadcastSizes.class)), inputs);
            case SCALE -> graph.node("Mul", List.of(x, graph.scalar(attributes(operation, Float.class))));
            case CLAMP -> {
                ClampRange range = attributes(operation, ClampRange.class);
                yield graph.node("Clip", List.of(x, graph.scalar(range.low()), graph.scalar(range.high())));
            }
            case BROADCAST ->
                graph.node("Expand", List.of(x, graph.integers(Arrays.stream(withoutBatch(result)).map(i -> i == 0 ? 1 : i).toArray())));
            case REDUCE -> reduce(attributes(operation, ReduceSizes.class), x);
            case SOFTMAX -> {
                Softmax softmax = attributes(operation, Softmax.class);
                yield graph.node(softmax.logarithm() ? "LogSoftmax" : "Softmax", List.of(x), of("axis", softmax.axis()));
            }
            case RESHAPE -> reshape(x, shapes.getFirst(), result);
            case PERMUTE -> graph.node("Transpose", List.of(x),
                    of("perm", attributes(operation, Permutation.class).axes().stream().mapToInt(Integer::intValue).toArray()));
            case PAD -> pad(attributes(operation, PadSizes.class), x);
            case CONCATENATE -> graph.node("Concat", inputs, of("axis", attributes(operation, Integer.class)));
            case SLICE -> {
                Slice slice = attributes(operation, Slice.class);
                yield graph.node("Slice", List.of(x, graph.integers(slice.start()), graph.integers(slice.start() + slice.count()),
                        graph.integers(slice.axis())));
            }
            case CHANNEL_SHUFFLE -> shuffle(attributes(operation, Integer.class), x, result);
            default -> throw unsupported(operation.toString());
        };
    }

    private static <T> T attributes(Operation operation, Class<T> type) {
        return type.cast(Objects.requireNonNull(operation.attributes(), "the operation lacks its attributes"));
    }

    private static IllegalArgumentException unsupported(String what) {
        return new IllegalArgumentException("the model cannot be written as ONNX: there is no operator for " + what);
    }

    private String convolution(Conv2dSizes s, List<String> inputs) {
        return graph.node("Conv", present(inputs), of("kernel_shape", new int[] {s.kh(), s.kw()}),
                of("strides", new int[] {s.strideH(), s.strideW()}),
                of("pads", new int[] {s.padTop(), s.padLeft(), s.padBottom(), s.padRight()}),
                of("dilations", new int[] {s.dilationH(), s.dilationW()}), of("group", s.groups()));
    }

    private String product(GemmSizes s, List<String> inputs) {
        return graph.node("Gemm", present(inputs), of("transA", s.transposeA() ? 1 : 0), of("transB", s.transposeB() ? 1 : 0));
    }

    private static List<String> present(List<String> inputs) {
        return inputs.stream().filter(name -> !name.isEmpty()).toList();
    }

    private String batchNorm(BatchNormSizes s, List<String> inputs) {
        List<String> all = new ArrayList<>(inputs);
        for (int i = 1; i <= 2; i++) {
            if (all.get(i).isEmpty()) {
                float[] values = new float[s.c()];
                Arrays.fill(values, i == 1 ? 1f : 0f);
                String name = graph.fresh();
                graph.floats(name, new int[] {s.c()}, values, values.length);
                all.set(i, name);
            }
        }
        return graph.node("BatchNormalization", all, of("epsilon", s.eps()));
    }

    // Padding behind the image: what is given, or what the last window needs (ceil mode).
    private static int[] pads(Pool2dSizes s) {
        int neededH = (s.oh() - 1) * s.strideH() + s.dilationH() * (s.kh() - 1) + 1 - s.h() - s.padH();
        int neededW = (s.ow() - 1) * s.strideW() + s.dilationW() * (s.kw() - 1) + 1 - s.w() - s.padW();
        return new int[] {s.padH(), s.padW(), Math.max(s.padH(), neededH), Math.max(s.padW(), neededW)};
    }

    private String maxPool(Pool2dSizes s, String x) {
        return graph.node("MaxPool", List.of(x), of("kernel_shape", new int[] {s.kh(), s.kw()}),
                of("strides", new int[] {s.strideH(), s.strideW()}), of("pads", pads(s)),
                of("dilations", new int[] {s.dilationH(), s.dilationW()}));
    }

    private String averagePool(Pool2dSizes s, String x) {
        int[] pads = pads(s);
        boolean beyond = pads[2] > s.padH() || pads[3] > s.padW();
        if (s.divisorOverride() != 0 || s.dilationH() != 1 || s.dilationW() != 1 || s.countIncludePad() && beyond) {
            throw unsupported("an average pooling of another divisor, dilated, or counting its padding in ceil mode: " + s);
        }
        return graph.node("AveragePool", List.of(x), of("kernel_shape", new int[] {s.kh(), s.kw()}),
                of("strides", new int[] {s.strideH(), s.strideW()}), of("pads", pads),
                of("count_include_pad", s.countIncludePad() ? 1 : 0));
    }

    private String adaptivePool(AdaptivePoolSizes s, String x) {
        if (s.oh() == 1 && s.ow() == 1) {
            return graph.node("GlobalAveragePool", List.of(x));
        }
        if (s.h() % s.oh() != 0 || s.w() % s.ow() != 0) {
            throw unsupported("an adaptive pooling into windows of different sizes: " + s);
        }
        int[] window = {s.h() / s.oh(), s.w() / s.ow()};
        return graph.node("AveragePool", List.of(x), of("kernel_shape", window), of("strides", window));
    }

    private String unary(UnaryFunction function, String x) {
        return switch (function) {
            case RELU -> graph.node("Relu", List.of(x));
            case SIGMOID -> graph.node("Sigmoid", List.of(x));
            case SILU -> graph.node("Mul", List.of(x, graph.node("Sigmoid", List.of(x))));
            case EXP -> graph.node("Exp", List.of(x));
            case LOG -> graph.node("Log", List.of(x));
            case SQRT -> graph.node("Sqrt", List.of(x));
            case ABS -> graph.node("Abs", List.of(x));
            case SIGN -> graph.node("Sign", List.of(x));
            case NEGATE -> graph.node("Neg", List.of(x));
            case SQUARE -> graph.node("Mul", List.of(x, x));
            case X_LOG_X -> throw unsupported("x log x");
        };
    }

    private static String binary(BroadcastSizes s) {
        return switch (s.function()) {
            case ADD -> "Add";
            case SUBTRACT -> "Sub";
            case MULTIPLY -> "Mul";
            case DIVIDE -> "Div";
            case MINIMUM -> "Min";
            case MAXIMUM -> "Max";
            case GREATER, GREATER_OR_EQUAL, EQUAL -> throw unsupported("a comparison that gives 0 or 1");
        };
    }

    private String reduce(ReduceSizes s, String x) {
        int rank = s.in().rank();
        long[] axes = IntStream.range(0, rank).filter(d -> s.kept().size(d) != s.in().size(d)).asLongStream().toArray();
        if (axes.length == 0) {
            return x;
        }
        int keep = s.out().rank() == rank ? 1 : 0;
        if (!s.mean()) {
            return graph.node("ReduceSum", List.of(x, graph.integers(axes)), of("keepdims", keep));
        }
        int[] asInts = Arrays.stream(axes).mapToInt(axis -> (int) axis).toArray();
        return graph.node("ReduceMean", List.of(x), of("axes", asInts), of("keepdims", keep));
    }

    private String reshape(String x, Shape from, Shape to) {
        boolean sameFirst = from.rank() > 0 && to.rank() > 0 && from.size(0) == to.size(0);
        boolean ofBatch = from.rank() > 0 && from.size(0) == batch || to.rank() > 0 && to.size(0) == batch;
        if (ofBatch && !sameFirst) {
            throw unsupported("a reshape that takes the batch apart, " + from + " to " + to);
        }
        return graph.node("Reshape", List.of(x, graph.integers(ofBatch ? withoutBatch(to) : sizes(to))));
    }

    // Sizes with 0, "as it is", in the place of the batch
    private static long[] withoutBatch(Shape shape) {
        long[] sizes = sizes(shape);
        sizes[0] = 0;
        return sizes;
    }

    private static long[] sizes(Shape shape) {
        return Arrays.stream(shape.toArray()).asLongStream().toArray();
    }

    private String pad(PadSizes s, String x) {
        String mode = switch (s.mode()) {
            case ZERO -> "constant";
            case REFLECT -> "reflect";
            case REPLICATE -> "edge";
            case CIRCULAR -> throw unsupported("circular padding (" + PadMode.CIRCULAR + ")");
        };
        return graph.node("Pad", List.of(x, graph.integers(0, 0, s.top(), s.left(), 0, 0, s.bottom(), s.right())), of("mode", mode));
    }

    // y[n, i * groups + g, ..] = x[n, g * (c / groups) + i, ..]
    private String shuffle(int groups, String x, Shape shape) {
        int c = shape.size(1), h = shape.size(2), w = shape.size(3);
        String split = graph.node("Reshape", List.of(x, graph.integers(0, groups, c / groups, h, w)));
        String turned = graph.node("Transpose", List.of(split), of("perm", new int[] {0, 2, 1, 3, 4}));
        return graph.node("Reshape", List.of(turned, graph.integers(0, c, h, w)));
    }
}
