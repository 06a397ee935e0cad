package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Comparator;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;

/// Names of operations for people, such as `conv2d 3x3 64->128 stride 2 @32x32`.
final class KernelNames {

    private KernelNames() {}

    static String of(KernelCase.Key key) {
        String opcode = key.opcode().name().toLowerCase(Locale.ROOT).replace('_', ' ');
        return switch (key.attributes()) {
            case Conv2dSizes s -> convolution(key, s);
            case Attributes.NormalisedConvolution s ->
                convolution(key, s.convolution()) + (key.inputs().getLast() == null ? "" : " + residual")
                        + (s.relu() ? " + relu" : "");
            case GemmSizes s -> opcode + " " + s.m() + "x" + s.k() + (s.transposeA() ? "t" : "") + " * " + s.k() + "x" + s.n()
                    + (s.transposeB() ? "t" : "");
            case Pool2dSizes s -> opcode + " " + s.kh() + "x" + s.kw() + " stride " + s.strideH() + " " + largest(key);
            case UnaryFunction function -> function.name().toLowerCase(Locale.ROOT) + (key.opcode() == Opcode.UNARY ? " " : " backward ")
                    + largest(key);
            case BroadcastSizes s -> s.function().name().toLowerCase(Locale.ROOT) + " " + s.a() + " " + s.b();
            case BatchNormSizes _ -> opcode + residual(key) + " " + largest(key);
            case null, default -> opcode + " " + largest(key);
        };
    }

    private static String convolution(KernelCase.Key key, Conv2dSizes s) {
        String what = switch (key.opcode()) {
            case CONV2D -> key.inputs().get(2) == null ? "forward" : "forward + bias";
            case CONV2D_BATCH_NORM_EVAL -> "forward + batch norm eval";
            case CONV2D_STATISTICS -> "forward + statistics";
            case CONV2D_BACKWARD_INPUT -> "dx";
            case CONV2D_BACKWARD_WEIGHT -> "dw";
            default -> key.opcode().name().toLowerCase(Locale.ROOT).replace('_', ' ');
        };
        return "conv " + s.kh() + "x" + s.kw() + " " + s.c() + "->" + s.o() + (s.groups() > 1 ? " groups " + s.groups() : "")
                + (s.strideH() > 1 ? " stride " + s.strideH() : "") + " @" + s.h() + "x" + s.w() + " " + what;
    }

    private static String residual(KernelCase.Key key) {
        boolean forward = key.opcode() == Opcode.BATCH_NORM_TRAIN_RELU || key.opcode() == Opcode.BATCH_NORM_EVAL_RELU;
        return forward && key.inputs().getLast() != null ? " + residual" : "";
    }

    private static String largest(KernelCase.Key key) {
        return Stream.concat(key.inputs().stream().filter(Objects::nonNull), key.outputs().stream())
                .map(TensorSpec::shape).max(Comparator.comparingInt(shape -> shape.elements())).map(Object::toString).orElse("");
    }
}
