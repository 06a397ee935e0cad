package dev.normlab.lip.bound;

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
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.NormException;
import dev.normlab.lip.norm.PoolingNorms;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Walks along a recorded forward pass and carries, for every tensor, the bound of the map from the image to it, and its range of values.
final class BoundWalk {

    static final String IMAGES = "images";
    static final String LOGITS = "logits";

    private final StepProgram program;
    private final SpectralBound spectral;
    private final @Nullable Signal[] signals;
    private final @Nullable Operation[] producers;
    private final int[] uses;
    private final List<NetworkBound.Step> steps = new ArrayList<>();
    private boolean gated;

    /// A tensor that depends on the image.
    private record Signal(PNorms bound, PNorms held, ValueRange range, boolean gate) {

        Signal after(PNorms factor, ValueRange newRange) {
            return new Signal(bound.times(factor), held.times(factor), newRange, false);
        }
    }

    /// A convolution of a signal, its borders included.
    private record Convolved(Signal input, Conv2dSizes sizes, PadMode mode, float[] weight, float[] bias, String name) {}

    BoundWalk(StepProgram program, NetworkBound.Box box, SpectralBound spectral) {
        this.program = program;
        this.spectral = spectral;
        this.signals = new Signal[program.values().size()];
        this.producers = new Operation[signals.length];
        this.uses = new int[signals.length];
        int image = Objects.requireNonNull(program.feeds().get(IMAGES));
        signals[image] = new Signal(PNorms.ONE, PNorms.ONE, ValueRange.of(shape(image).size(1), box.low(), box.high()), false);
        for (Operation operation : program.operations()) {
            Arrays.stream(operation.inputs()).filter(id -> id >= 0).forEach(id -> uses[id]++);
            Arrays.stream(operation.outputs()).forEach(id -> producers[id] = operation);
        }
        program.fetches().values().forEach(id -> uses[id]++);
    }

    NetworkBound run() {
        for (Operation operation : program.operations()) {
            if (Arrays.stream(operation.inputs()).anyMatch(id -> id >= 0 && signals[id] != null)) {
                walk(operation);
            }
        }
        Signal logits = signals[Objects.requireNonNull(program.fetches().get(LOGITS))];
        return logits == null
                ? new NetworkBound(PNorms.ZERO, PNorms.ZERO, false, steps)
                : new NetworkBound(logits.bound, logits.held, gated, steps);
    }

    /// The bounds of differences of two logits, sharper where the logits come from a linear layer. To be called after [#run].
    PairBound pairs() {
        int logits = Objects.requireNonNull(program.fetches().get(LOGITS));
        Signal whole = signals[logits];
        int classes = shape(logits).size(1);
        Operation last = producers[logits];
        if (whole == null || last == null || last.opcode() != Opcode.GEMM) {
            return PairBound.ofLogits(whole == null ? PNorms.ZERO : whole.bound, classes);
        }
        return PairBound.ofFeatures(signal(last.inputs()[0]).bound, constant(last, 1), classes);
    }

    private void walk(Operation operation) {
        Object attributes = operation.attributes();
        int first = operation.inputs()[0];
        switch (operation.opcode()) {
            case CONV2D -> convolution(operation);
            case CONV2D_BACKWARD_INPUT -> transposed(operation, (Conv2dSizes) attribute(operation));
            case GEMM -> linear(operation, (GemmSizes) attribute(operation));
            case BATCH_NORM_EVAL -> batchNorm(operation, (BatchNormSizes) attribute(operation));
            case MAX_POOL -> pooling(operation, PoolingNorms.ofMaximum((Pool2dSizes) attribute(operation)), false);
            case AVERAGE_POOL -> pooling(operation, PoolingNorms.ofAverage((Pool2dSizes) attribute(operation)), true);
            case ADAPTIVE_AVERAGE_POOL ->
                pooling(operation, PoolingNorms.ofAdaptiveAverage((AdaptivePoolSizes) attribute(operation)), false);
            case UNARY -> activation(operation, (UnaryFunction) attribute(operation));
            case BINARY -> binary(operation, (BroadcastSizes) attribute(operation));
            case SCALE -> {
                double factor = (Float) attribute(operation);
                ValueRange range = signal(first).range;
                put(operation, signal(first).after(PNorms.ONE.times(Math.abs(factor)), range.times(ValueRange.of(1, factor, factor))),
                        null);
            }
            case CLAMP -> {
                ClampRange clamp = (ClampRange) attribute(operation);
                put(operation, signal(first).after(PNorms.ONE,
                        signal(first).range.increasing(value -> Math.min(Math.max(value, clamp.low()), clamp.high()))), null);
            }
            case RESHAPE -> put(operation, signal(first).after(PNorms.ONE, reshaped(operation)), null);
            case PERMUTE, CHANNEL_SHUFFLE -> put(operation,
                    signal(first).after(PNorms.ONE, signal(first).range.hull(channels(operation))), null);
            case SLICE -> {
                boolean alongChannels = ((Slice) attribute(operation)).axis() == 1;
                put(operation, signal(first).after(PNorms.ONE,
                        alongChannels ? signal(first).range.hull(channels(operation)) : signal(first).range), null);
            }
            case PAD -> {
                PadSizes s = (PadSizes) attribute(operation);
                ValueRange range = signal(first).range;
                put(operation, signal(first).after(Factors.padding(s), s.mode() == PadMode.ZERO ? range.withZero() : range), null);
            }
            case CONCATENATE -> concatenated(operation);
            case REDUCE -> reduced(operation, (ReduceSizes) attribute(operation));
            case SOFTMAX -> put(operation, signal(first).after(PNorms.ONE.times(0.5), ValueRange.of(channels(operation), 0, 1)), null);
            default -> throw unbounded(operation, String.valueOf(attributes));
        }
    }

    /// A convolution alone; with batch norm behind it and nobody else to read it, it waits to be taken together.
    private void convolution(Operation operation) {
        boolean normalised = uses[operation.outputs()[0]] == 1 && program.operations().stream()
                .anyMatch(next -> next.opcode() == Opcode.BATCH_NORM_EVAL && next.inputs()[0] == operation.outputs()[0]);
        Convolved c = convolved(operation);
        if (normalised) {
            signals[operation.outputs()[0]] = c.input; // a mark only: batch norm starts from the convolution's input
        } else {
            stretch(operation, c, "convolution");
        }
    }

    private Convolved convolved(Operation operation) {
        Conv2dSizes s = (Conv2dSizes) attribute(operation);
        int x = operation.inputs()[0];
        float[] weight = constant(operation, 1);
        float[] bias = operation.inputs()[2] < 0 ? new float[0] : constant(operation, 2);
        Operation pad = producers[x];
        boolean padded = s.padTop() + s.padBottom() + s.padLeft() + s.padRight() > 0;
        if (!padded && pad != null && pad.opcode() == Opcode.PAD && pad.attributes() instanceof PadSizes p && p.mode() != PadMode.ZERO) {
            Conv2dSizes whole = new Conv2dSizes(1, s.c(), p.h(), p.w(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(), p.top(),
                    p.bottom(),
                    p.left(), p.right(), s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
            return new Convolved(signal(pad.inputs()[0]), whole, p.mode(), weight, bias, name(operation, 1));
        }
        return new Convolved(signal(x), s, PadMode.ZERO, weight, bias, name(operation, 1));
    }

    private PNorms factor(Convolved c) {
        return Factors.convolution(c.sizes, c.mode, c.weight, spectral);
    }

    private void stretch(Operation operation, Convolved c, String what) {
        PNorms factor = factor(c);
        put(operation, c.input.after(factor, range(c)), new NetworkBound.Step(what, c.name, factor));
    }

    private static ValueRange range(Convolved c) {
        Conv2dSizes s = c.sizes;
        boolean readsZero = c.mode == PadMode.ZERO && s.padTop() + s.padBottom() + s.padLeft() + s.padRight() > 0;
        return (readsZero ? c.input.range.withZero() : c.input.range).convolved(s, c.weight, c.bias);
    }

    /// The transposed convolution's matrix is the transpose of that of the convolution `s`.
    private void transposed(Operation operation, Conv2dSizes s) {
        float[] weight = constant(operation, 1);
        PNorms factor = Factors.convolution(s, PadMode.ZERO, weight, spectral);
        PNorms swapped = new PNorms(factor.linf(), factor.l2(), factor.l1());
        Signal x = signal(operation.inputs()[0]);
        put(operation, x.after(swapped, x.range.withZero().transposed(s, weight)),
                new NetworkBound.Step("transposed convolution", name(operation, 1), swapped));
    }

    private void linear(Operation operation, GemmSizes s) {
        int w = operation.inputs()[1];
        if (signals[w] != null || s.transposeA() || !s.transposeB() || s.m() != 1) {
            throw unbounded(operation, "a matrix product that is no linear layer of one image");
        }
        Conv2dSizes sizes = Factors.linear(s.n(), s.k());
        float[] bias = operation.inputs()[2] < 0 ? new float[0] : constant(operation, 2);
        Convolved c = new Convolved(signal(operation.inputs()[0]), sizes, PadMode.ZERO, constant(operation, 1), bias, name(operation, 1));
        stretch(operation, c, "linear");
    }

    private void batchNorm(Operation operation, BatchNormSizes s) {
        double[] scale = new double[s.c()];
        double[] shift = new double[s.c()];
        float[] gamma = operation.inputs()[1] < 0 ? new float[0] : constant(operation, 1);
        float[] beta = operation.inputs()[2] < 0 ? new float[0] : constant(operation, 2);
        float[] mean = constant(operation, 3);
        float[] var = constant(operation, 4);
        double largest = 0;
        for (int i = 0; i < s.c(); i++) {
            scale[i] = (gamma.length == 0 ? 1 : gamma[i]) / Math.sqrt((double) var[i] + s.eps());
            shift[i] = (beta.length == 0 ? 0 : beta[i]) - mean[i] * scale[i];
            largest = Double.isNaN(scale[i]) ? Double.NaN : Math.max(largest, Math.abs(scale[i]));
        }
        int x = operation.inputs()[0];
        Operation before = producers[x];
        if (before != null && before.opcode() == Opcode.CONV2D && uses[x] == 1) {
            Convolved c = convolved(before);
            Convolved together = scaled(c, scale);
            PNorms factor = factor(together).plus(rounding(together));
            put(operation, c.input.after(factor, range(c).affine(scale, shift)),
                    new NetworkBound.Step("convolution and batch norm", c.name, factor));
        } else {
            PNorms factor = PNorms.ONE.times(largest);
            String name = operation.inputs()[1] < 0 ? "" : name(operation, 1);
            put(operation, signal(x).after(factor, signal(x).range.affine(scale, shift)),
                    new NetworkBound.Step("batch norm", name, factor));
        }
    }

    /// The convolution whose output channels are scaled, in single precision.
    private static Convolved scaled(Convolved c, double[] scale) {
        float[] weight = new float[c.weight.length];
        int perOutput = weight.length / c.sizes.o();
        for (int i = 0; i < weight.length; i++) {
            weight[i] = (float) (c.weight[i] * scale[i / perOutput]);
        }
        return new Convolved(c.input, c.sizes, c.mode, weight, c.bias, c.name);
    }

    /// The norms of what rounding to single precision can have taken from a convolution: at most `2^-23` of every weight, and the smallest
    /// number there is.
    private static PNorms rounding(Convolved c) {
        float[] errors = new float[c.weight.length];
        for (int i = 0; i < errors.length; i++) {
            errors[i] = Math.nextUp(0x1p-23f * Math.abs(c.weight[i]));
        }
        return Factors.convolution(c.sizes, c.mode, errors, SpectralBound::byExactNorms);
    }

    private void pooling(Operation operation, PoolingNorms norms, boolean readsZero) {
        PNorms factor = Factors.pooling(norms);
        Signal x = signal(operation.inputs()[0]);
        String what = operation.opcode() == Opcode.MAX_POOL ? "max pooling" : "average pooling";
        // a divisor of one's own can make averages larger than what they are of
        double most = Math.max(1, norms.linf());
        ValueRange range = readsZero ? x.range.withZero().times(ValueRange.of(1, most, most)) : x.range;
        put(operation, x.after(factor, range), new NetworkBound.Step(what, "", factor));
    }

    private void activation(Operation operation, UnaryFunction function) {
        double slope = Factors.slope(function);
        if (Double.isNaN(slope)) {
            throw unbounded(operation, function + " has no largest slope");
        }
        Signal x = signal(operation.inputs()[0]);
        Signal y = x.after(PNorms.ONE.times(slope), Factors.range(function, x.range));
        boolean gate = function == UnaryFunction.SIGMOID;
        put(operation, new Signal(y.bound, y.held, y.range, gate), null);
    }

    private void binary(Operation operation, BroadcastSizes s) {
        int a = operation.inputs()[0];
        int b = operation.inputs()[1];
        Signal x = stretched(a, s.a(), s.out());
        Signal y = stretched(b, s.b(), s.out());
        ValueRange range = switch (s.function()) {
            case ADD -> x.range.plus(y.range);
            case SUBTRACT -> x.range.minus(y.range);
            case MULTIPLY -> x.range.times(y.range);
            case MINIMUM, MAXIMUM -> ValueRange.of(channels(operation), -Math.max(x.range.magnitude(), y.range.magnitude()),
                    Math.max(x.range.magnitude(), y.range.magnitude()));
            case DIVIDE -> {
                if (signals[b] != null || y.range.low()[0] <= 0 && y.range.high()[0] >= 0) {
                    throw unbounded(operation, "a quotient whose divisor is no constant of one sign");
                }
                yield x.range.times(new ValueRange(new double[] {1 / y.range.high()[0]}, new double[] {1 / y.range.low()[0]}));
            }
            case GREATER, GREATER_OR_EQUAL, EQUAL -> throw unbounded(operation, "comparisons jump");
        };
        Signal result = switch (s.function()) {
            case MULTIPLY -> product(x, y, range);
            case DIVIDE -> x.after(PNorms.ONE.times(1 / Math.min(Math.abs(y.range.low()[0]), Math.abs(y.range.high()[0]))), range);
            default -> new Signal(x.bound.plus(y.bound), x.held.plus(y.held), range, false);
        };
        put(operation, result, null);
    }

    /// `‖xy − x'y'‖ <= max|y|·‖x − x'‖ + max|x|·‖y − y'‖`; a gate held still contributes its magnitude only.
    private Signal product(Signal x, Signal y, ValueRange range) {
        PNorms bound = x.bound.times(y.range.magnitude()).plus(y.bound.times(x.range.magnitude()));
        PNorms held;
        if (x.gate || y.gate) {
            gated = true;
            held = y.gate ? x.held.times(y.range.magnitude()) : y.held.times(x.range.magnitude());
        } else {
            held = x.held.times(y.range.magnitude()).plus(y.held.times(x.range.magnitude()));
        }
        return new Signal(bound, held, range, false);
    }

    /// An operand of a broadcasting operation: every value stands `out / own` times in the result. A constant does not depend on the image.
    private Signal stretched(int id, Shape own, Shape out) {
        Signal signal = signals[id];
        if (signal == null) {
            float[] values = values(id);
            double low = Double.POSITIVE_INFINITY;
            double high = Double.NEGATIVE_INFINITY;
            for (float value : values) {
                low = Math.min(low, value);
                high = Math.max(high, value);
            }
            return new Signal(PNorms.ZERO, PNorms.ZERO, ValueRange.of(1, low, high), false);
        }
        PNorms copies = PNorms.copies((double) out.elements() / own.elements());
        boolean sameChannels = own.rank() == out.rank() && own.rank() > 1 && own.size(1) == out.size(1);
        ValueRange range = sameChannels ? signal.range : signal.range.hull(out.rank() > 1 ? out.size(1) : 1);
        return new Signal(signal.bound.times(copies), signal.held.times(copies), range, signal.gate);
    }

    private ValueRange reshaped(Operation operation) {
        ValueRange range = signal(operation.inputs()[0]).range;
        Shape from = shape(operation.inputs()[0]);
        Shape to = shape(operation.outputs()[0]);
        int channels = channels(operation);
        if (from.rank() == 4 && to.rank() == 2 && channels == from.size(1) * from.size(2) * from.size(3)) {
            return range.repeated(from.size(2) * from.size(3));
        }
        return from.rank() > 1 && to.rank() > 1 && from.size(1) == to.size(1) ? range : range.hull(channels);
    }

    private void concatenated(Operation operation) {
        PNorms bound = PNorms.ZERO;
        PNorms held = PNorms.ZERO;
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (int id : operation.inputs()) {
            Signal part = stretched(id, shape(id), shape(id));
            bound = bound.beside(part.bound);
            held = held.beside(part.held);
            low = Math.min(low, Arrays.stream(part.range.low()).min().orElse(0));
            high = Math.max(high, Arrays.stream(part.range.high()).max().orElse(0));
        }
        put(operation, new Signal(bound, held, ValueRange.of(channels(operation), low, high), false), null);
    }

    /// A sum of `m` values has norms 1, sqrt(m) and m.
    private void reduced(Operation operation, ReduceSizes s) {
        double m = (double) s.in().elements() / s.out().elements();
        PNorms sum = new PNorms(1, Math.sqrt(m), m);
        Signal x = signal(operation.inputs()[0]);
        ValueRange hull = x.range.hull(channels(operation));
        put(operation, s.mean() ? x.after(sum.times(1 / m), hull) : x.after(sum, hull.times(ValueRange.of(1, m, m))), null);
    }

    private void put(Operation operation, Signal signal, NetworkBound.@Nullable Step step) {
        signals[operation.outputs()[0]] = signal;
        if (step != null) {
            steps.add(step);
        }
    }

    private Signal signal(int id) {
        return Objects.requireNonNull(signals[id], "an operand that does not depend on the image");
    }

    private static Object attribute(Operation operation) {
        return Objects.requireNonNull(operation.attributes());
    }

    private Shape shape(int id) {
        return program.values().get(id).spec().shape();
    }

    private int channels(Operation operation) {
        Shape shape = shape(operation.outputs()[0]);
        return shape.rank() > 1 ? shape.size(1) : 1;
    }

    private float[] constant(Operation operation, int operand) {
        return values(operation.inputs()[operand]);
    }

    private float[] values(int id) {
        Storage storage = program.values().get(id).storage();
        Operation producer = producers[id];
        if (storage == null && producer != null && producer.opcode() == Opcode.RESHAPE) {
            return values(producer.inputs()[0]); // a bias in the shape of an image
        }
        if (storage == null) {
            throw new NormException("the bound of a network needs weights that do not depend on the image, but " + program.values().get(id)
                    + " is computed");
        }
        return Tensor.of(storage).toArray();
    }

    private String name(Operation operation, int operand) {
        String name = program.values().get(operation.inputs()[operand]).name();
        return name == null ? "" : name;
    }

    private static NormException unbounded(Operation operation, String why) {
        return new NormException("the network has no bound here: " + operation.opcode() + " (" + why + ")");
    }
}
