package dev.normlab.testkit;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.BatchNorm;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Losses.KlReduction;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Softmax;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Computes golden cases with the engine, through the operations that users call.
public final class GoldenOperations {

    private final Tape tape;
    private final GoldenCase golden;
    private final Map<String, Tensor> inputs;
    private final Map<String, Tensor> outputs = new LinkedHashMap<>();

    private GoldenOperations(Tape tape, GoldenCase golden, Map<String, Tensor> inputs) {
        this.tape = tape;
        this.golden = golden;
        this.inputs = inputs;
    }

    /// Forward and backward.
    ///
    /// @param tape   watches the inputs that are differentiated
    /// @param inputs the case's inputs by name; parameters that the operation updates in place are changed
    /// @return the results by the names of the case's outputs: `y`, `grad_input` and so on
    public static Map<String, Tensor> run(Tape tape, GoldenCase golden, Map<String, Tensor> inputs) {
        GoldenOperations operations = new GoldenOperations(tape, golden, inputs);
        switch (golden.operation()) {
            case "sgd" -> operations.sgd();
            case "adam", "adamw" -> operations.adam();
            default -> operations.differentiate(operations.forward());
        }
        return operations.outputs;
    }

    private void differentiate(@Nullable Tensor y) {
        if (y == null) {
            return;
        }
        outputs.put("y", y);
        Gradients gradients = tape.tracks(y) ? tape.backward(y, golden.outputGradient()) : null;
        for (GoldenCase.Input input : golden.inputs()) {
            if (input.isDifferentiated()) {
                Tensor gradient = gradients == null ? Tensor.zeros(input.value().shape().toArray()) : gradients.of(in(input.name()));
                outputs.put("grad_" + input.name(), gradient);
            }
        }
    }

    /// The output `y`, or null if there is none to differentiate.
    private @Nullable Tensor forward() {
        return switch (golden.operation()) {
            case "conv2d" -> Convolution.conv2d(tape, in("input"), in("weight"), maybe("bias"), convolution());
            case "conv_transpose2d" -> Convolution.convTranspose2d(tape, in("input"), in("weight"), maybe("bias"), convolution(),
                    golden.integers("output_padding")[0], golden.integers("output_padding")[1]);
            case "linear" -> Matrices.linear(tape, in("input"), in("weight"), maybe("bias"));
            case "matmul" -> Matrices.matmul(tape, in("a"), in("b"));
            case "batch_norm" -> batchNorm();
            case "max_pool2d" -> Pooling.maxPool2d(tape, in("input"), pooling());
            case "avg_pool2d" -> Pooling.averagePool2d(tape, in("input"), pooling());
            case "adaptive_avg_pool2d" -> Pooling.adaptiveAveragePool2d(tape, in("input"), golden.integers("output_size")[0],
                    golden.integers("output_size")[1]);
            case "add" -> Arithmetic.add(tape, in("a"), in("b"));
            case "sub" -> Arithmetic.subtract(tape, in("a"), in("b"));
            case "mul" -> Arithmetic.multiply(tape, in("a"), in("b"));
            case "div" -> Arithmetic.divide(tape, in("a"), in("b"));
            case "maximum" -> Arithmetic.maximum(tape, in("a"), in("b"));
            case "minimum" -> Arithmetic.minimum(tape, in("a"), in("b"));
            case "mse_loss" -> Losses.mse(tape, in("a"), in("b"), reduction());
            case "cross_entropy" -> Losses.crossEntropy(tape, in("input"), in("target"), new CrossEntropyOptions(reduction(),
                    golden.real("label_smoothing"), golden.integer("ignore_index"), maybe("weight")));
            case "nll_loss" -> Losses.nll(tape, in("input"), in("target"), new CrossEntropyOptions(reduction(), 0f, -100, maybe("weight")));
            case "kl_div" -> Losses.klDiv(tape, in("input"), in("target"), golden.flag("log_target"),
                    golden.word("reduction").equals("sum") ? KlReduction.SUM : KlReduction.BATCH_MEAN);
            default -> unary(in(golden.inputs().getFirst().name()));
        };
    }

    private @Nullable Tensor unary(Tensor x) {
        return switch (golden.operation()) {
            case "relu" -> Activations.relu(tape, x);
            case "sigmoid" -> Activations.sigmoid(tape, x);
            case "silu" -> Activations.silu(tape, x);
            case "exp" -> Arithmetic.exp(tape, x);
            case "log" -> Arithmetic.log(tape, x);
            case "sqrt" -> Arithmetic.sqrt(tape, x);
            case "abs" -> Arithmetic.abs(tape, x);
            case "sign" -> Arithmetic.sign(tape, x);
            case "neg" -> Arithmetic.negate(tape, x);
            case "clamp" -> Arithmetic.clamp(tape, x, golden.real("min"), golden.real("max"));
            case "l2_normalize" -> Arithmetic.l2Normalize(tape, x, golden.integer("dim"), golden.real("eps"));
            case "softmax" -> Softmax.softmax(tape, x, golden.integer("dim"));
            case "log_softmax" -> Softmax.logSoftmax(tape, x, golden.integer("dim"));
            case "sum" -> Reductions.sum(tape, x, golden.has("keepdim") && golden.flag("keepdim"), golden.integers("dim"));
            case "mean" -> Reductions.mean(tape, x, golden.has("keepdim") && golden.flag("keepdim"), golden.integers("dim"));
            case "max" -> extreme(x, true);
            case "min" -> extreme(x, false);
            case "argmax" -> {
                outputs.put("indices", Reductions.argMax(tape, x, golden.integer("dim"), false));
                yield null;
            }
            case "topk" -> topK(x);
            default -> arrangement(x);
        };
    }

    private Tensor arrangement(Tensor x) {
        return switch (golden.operation()) {
            case "reshape" -> Arrangement.reshape(tape, x, golden.integers("shape"));
            case "flatten" -> Arrangement.flatten(tape, x);
            case "permute" -> Arrangement.permute(tape, x, golden.integers("dims"));
            case "pad" -> pad(x);
            case "slice" -> slice(x);
            case "concat" -> Arrangement.concatenate(tape, golden.integer("dim"), List.copyOf(inputs.values()));
            case "split" -> {
                List<Tensor> parts = Arrangement.split(tape, x, golden.integer("dim"), golden.integers("sizes"));
                outputs.put("y2", parts.get(1));
                yield parts.get(0);
            }
            case "channel_shuffle" -> Arrangement.channelShuffle(tape, x, golden.integer("groups"));
            case "pixel_shuffle" -> pixelShuffle(x, golden.integer("factor"));
            case "pixel_unshuffle" -> pixelUnshuffle(x, golden.integer("factor"));
            case "gather" -> Arrangement.gather(tape, x, golden.integer("dim"), in("index"));
            default -> throw new IllegalArgumentException("no way to compute " + golden.operation() + " of case " + golden);
        };
    }

    private Conv2dGeometry convolution() {
        int[] stride = golden.integers("stride");
        int[] dilation = golden.integers("dilation");
        int[] given = golden.integers("padding");
        int[] pad = given.length == 4 ? given : new int[] {given[0], given[0], given[1], given[1]};
        PadMode mode = golden.has("padding_mode") ? padMode(golden.word("padding_mode")) : PadMode.ZERO;
        return new Conv2dGeometry(stride[0], stride[1], pad[0], pad[1], pad[2], pad[3], dilation[0], dilation[1], golden.integer("groups"),
                mode);
    }

    private static PadMode padMode(String name) {
        return name.equals("zeros") ? PadMode.ZERO : PadMode.valueOf(name.toUpperCase(Locale.ROOT));
    }

    private Pool2dGeometry pooling() {
        int[] kernel = golden.integers("kernel");
        int[] stride = golden.integers("stride");
        int[] pad = golden.integers("padding");
        int[] dilation = golden.has("dilation") ? golden.integers("dilation") : new int[] {1, 1};
        boolean countPad = !golden.has("count_include_pad") || golden.flag("count_include_pad");
        int divisor = golden.has("divisor_override") ? golden.integer("divisor_override") : 0;
        return new Pool2dGeometry(kernel[0], kernel[1], stride[0], stride[1], pad[0], pad[1], dilation[0], dilation[1],
                golden.flag("ceil_mode"), countPad,
                divisor);
    }

    private Reduction reduction() {
        return Reduction.valueOf(golden.word("reduction").toUpperCase(Locale.ROOT));
    }

    private Tensor batchNorm() {
        Tensor mean = maybe("running_mean");
        Tensor var = maybe("running_var");
        List<String> batches = new ArrayList<>();
        for (int call = 1; call < golden.integer("forward_calls"); call++) {
            batches.add("input_pre" + call);
        }
        batches.add("input");
        Tensor y = in("input");
        for (String batch : batches) {
            boolean training = golden.flag("training") || mean == null || var == null;
            y = training
                    ? BatchNorm.train(tape, in(batch), maybe("weight"), maybe("bias"), mean, var, golden.real("momentum"),
                            golden.real("eps"))
                    : BatchNorm.eval(tape, in(batch), maybe("weight"), maybe("bias"), in("running_mean"), in("running_var"),
                            golden.real("eps"));
        }
        if (mean != null && var != null) {
            outputs.put("running_mean_after", mean);
            outputs.put("running_var_after", var);
        }
        return y;
    }

    private Tensor extreme(Tensor x, boolean largest) {
        int axis = golden.integer("dim");
        boolean keep = golden.flag("keepdim");
        outputs.put("indices", largest ? Reductions.argMax(tape, x, axis, keep) : Reductions.argMin(tape, x, axis, keep));
        return largest ? Reductions.max(tape, x, axis, keep) : Reductions.min(tape, x, axis, keep);
    }

    private Tensor topK(Tensor x) {
        boolean largest = golden.flag("largest");
        Reductions.Top top = Reductions.topK(tape, largest ? x : Arithmetic.negate(tape, x), golden.integer("k"), golden.integer("dim"));
        outputs.put("indices", top.indices());
        return largest ? top.values() : Arithmetic.negate(tape, top.values());
    }

    /// Padding with another constant than zero: the border of padded ones is zero, and one minus it is the border.
    private Tensor pad(Tensor x) {
        int[] p = golden.integers("padding");
        if (!golden.word("mode").equals("constant")) {
            return Arrangement.pad(tape, x, p[0], p[1], p[2], p[3], padMode(golden.word("mode")));
        }
        Tensor zeroed = Arrangement.pad(tape, x, p[0], p[1], p[2], p[3], PadMode.ZERO);
        Tensor inside = Arrangement.pad(tape, Tensor.full(1f, x.shape().toArray()), p[0], p[1], p[2], p[3], PadMode.ZERO);
        Tensor border = Arithmetic.scale(tape, Arithmetic.subtract(tape, Tensor.scalar(1f), inside), golden.real("value"));
        return Arithmetic.add(tape, zeroed, border);
    }

    private Tensor slice(Tensor x) {
        int axis = golden.integer("dim");
        int start = golden.integer("start");
        int end = golden.integer("end");
        if (!golden.has("step")) {
            return Arrangement.slice(tape, x, axis, start, end - start);
        }
        List<Tensor> parts = new ArrayList<>();
        for (int position = start; position < end; position += golden.integer("step")) {
            parts.add(Arrangement.slice(tape, x, axis, position, 1));
        }
        return Arrangement.concatenate(tape, axis, parts);
    }

    /// `[n, c*r*r, h, w]` to `[n, c, h*r, w*r]`.
    private Tensor pixelShuffle(Tensor x, int r) {
        Shape s = x.shape();
        int c = s.size(1) / (r * r);
        Tensor split = Arrangement.reshape(tape, x, s.size(0), c, r, r, s.size(2), s.size(3));
        return Arrangement.reshape(tape, Arrangement.permute(tape, split, 0, 1, 4, 2, 5, 3), s.size(0), c, s.size(2) * r, s.size(3) * r);
    }

    /// The inverse of [#pixelShuffle].
    private Tensor pixelUnshuffle(Tensor x, int r) {
        Shape s = x.shape();
        int h = s.size(2) / r;
        int w = s.size(3) / r;
        Tensor split = Arrangement.reshape(tape, x, s.size(0), s.size(1), h, r, w, r);
        return Arrangement.reshape(tape, Arrangement.permute(tape, split, 0, 1, 3, 5, 2, 4), s.size(0), s.size(1) * r * r, h, w);
    }

    private void sgd() {
        Tensor parameter = in("param");
        Tensor velocity = Tensor.zeros(parameter.shape().toArray());
        Executor executor = tape.executor();
        for (int step = 1; step <= golden.integer("steps"); step++) {
            Tensor scalars = Tensor.of(Shape.of(6), golden.real("lr"), golden.real("momentum"), golden.real("dampening"),
                    golden.real("weight_decay"),
                    golden.flag("nesterov") ? 1 : 0, step == 1 ? 1 : 0);
            executor.update(Opcode.SGD, null, List.of(parameter, velocity), in("grad_step_" + step), scalars);
            outputs.put("param_after_" + step, snapshot(parameter));
        }
    }

    private void adam() {
        Tensor parameter = in("param");
        Tensor first = Tensor.zeros(parameter.shape().toArray());
        Tensor second = Tensor.zeros(parameter.shape().toArray());
        double beta1 = golden.real("beta1");
        double beta2 = golden.real("beta2");
        for (int step = 1; step <= golden.integer("steps"); step++) {
            Tensor scalars = Tensor.of(Shape.of(8), golden.real("lr"), golden.real("beta1"), golden.real("beta2"), golden.real("eps"),
                    golden.real("weight_decay"), golden.operation().equals("adamw") ? 1 : 0, (float) (1 - Math.pow(beta1, step)),
                    (float) (1 - Math.pow(beta2, step)));
            tape.executor().update(Opcode.ADAM, null, List.of(parameter, first, second), in("grad_step_" + step), scalars);
            outputs.put("param_after_" + step, snapshot(parameter));
        }
    }

    /// The values of now, which later updates leave alone.
    private Tensor snapshot(Tensor tensor) {
        return tape.run(Opcode.RESHAPE, null, tensor.spec(), tensor);
    }

    private Tensor in(String name) {
        Tensor tensor = inputs.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("the case " + golden + " has no input " + name);
        }
        return tensor;
    }

    private @Nullable Tensor maybe(String name) {
        return inputs.get(name);
    }
}
