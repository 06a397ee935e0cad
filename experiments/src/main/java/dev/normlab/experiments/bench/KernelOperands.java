package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Values for an operation that is to be timed.
///
/// @param inputs  null for an absent operand
/// @param targets what is updated in place
record KernelOperands(@Nullable Tensor[] inputs, List<Tensor> targets) {

    // The vectors of a batch norm, among others the variance, must not be negative; scalars of optimisers are taken from the program.
    private static final int SCALARS = 8;

    /// New operands for an operation.
    ///
    /// @param numbers random numbers to fill them with
    static KernelOperands of(KernelCase kernel, Device device, float[] numbers) {
        return new Fill(device, numbers).operands(kernel);
    }

    /// What an operation updates in place, alone.
    static List<Tensor> targets(KernelCase kernel, Device device, float[] numbers) {
        return new Fill(device, numbers).targets(kernel.key());
    }

    private record Fill(Device device, float[] numbers) {

        KernelOperands operands(KernelCase kernel) {
            KernelCase.Key key = kernel.key();
            @Nullable Tensor[] inputs = new @Nullable Tensor[kernel.inputs().size()];
            for (int i = 0; i < inputs.length; i++) {
                KernelCase.Operand operand = kernel.inputs().get(i);
                TensorSpec spec = operand.spec();
                if (spec == null) {
                    continue;
                }
                Storage resident = operand.resident();
                if (resident != null && spec.shape().elements() <= SCALARS) {
                    inputs[i] = Tensor.of(resident);
                } else if (spec.dtype() == DType.INT32) {
                    inputs[i] = Tensor.ofInts(spec.shape(), labels(key, spec.shape()));
                } else if (key.opcode() == Opcode.MAX_POOL_BACKWARD && i == 1) {
                    inputs[i] = positions((Pool2dSizes) Objects.requireNonNull(key.attributes()));
                } else {
                    inputs[i] = floats(spec.shape(), operand.activation());
                }
            }
            return new KernelOperands(inputs, targets(key));
        }

        List<Tensor> targets(KernelCase.Key key) {
            return key.opcode().updatesInPlace() ? key.outputs().stream().map(spec -> floats(spec.shape(), false)).toList() : List.of();
        }

        private Tensor floats(Shape shape, boolean activation) {
            Layout layout = activation ? device.kernels().activationLayout(shape) : Layout.PLAIN;
            float[] values = new float[layout.length(shape)];
            for (int at = 0; at < values.length; at += numbers.length) {
                System.arraycopy(numbers, 0, values, at, Math.min(numbers.length, values.length - at));
            }
            if (shape.rank() == 1) {
                for (int i = 0; i < values.length; i++) {
                    values[i] = 0.5f + Math.abs(values[i]);
                }
            }
            clearPadding(layout, shape, values);
            return Tensor.of(Storage.ofFloats(shape, layout, values));
        }

        private static void clearPadding(Layout layout, Shape shape, float[] values) {
            if (!layout.isBlocked() || shape.size(1) % layout.block() == 0) {
                return;
            }
            int block = layout.block(), pixels = shape.size(2) * shape.size(3), blocks = layout.blocks(shape.size(1));
            int first = shape.size(1) % block;
            for (int in = 0; in < shape.size(0); in++) {
                int at = (in * blocks + blocks - 1) * pixels * block;
                for (int i = 0; i < pixels * block; i++) {
                    if (i % block >= first) {
                        values[at + i] = 0;
                    }
                }
            }
        }

        /// Labels below the number of classes.
        private static int[] labels(KernelCase.Key key, Shape shape) {
            int[] values = new int[shape.elements()];
            if (key.attributes() instanceof CrossEntropySizes s) {
                Arrays.setAll(values, i -> i * 7 % s.k());
            }
            return values;
        }

        /// The position of the last pixel of every window, as if it were the maximum.
        private Tensor positions(Pool2dSizes s) {
            float[] values = new float[s.outputShape().elements()];
            for (int i = 0; i < values.length; i++) {
                int pixel = i % (s.oh() * s.ow());
                int row = Math.clamp((pixel / s.ow()) * s.strideH() - s.padH() + s.kh() - 1, 0, s.h() - 1);
                int column = Math.clamp((pixel % s.ow()) * s.strideW() - s.padW() + s.kw() - 1, 0, s.w() - 1);
                values[i] = row * s.w() + column;
            }
            Layout layout = device.kernels().activationLayout(s.outputShape());
            float[] laidOut = new float[layout.length(s.outputShape())];
            layout.pack(s.outputShape(), values, laidOut);
            return Tensor.of(Storage.ofFloats(s.outputShape(), layout, laidOut));
        }
    }
}
