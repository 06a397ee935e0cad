package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.program.Attributes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How much work an operation is, counted without looking at how a backend does it.
///
/// @param operations   nominal floating-point operations of a convolution or matrix product, padding included: `2 n o oh ow (c/groups) kh
///     kw` for each of a convolution's three kernels, `2 m n k` for a product; 0 for everything else, which the memory bounds
/// @param readBytes    every operand read once, without the padding of a layout
/// @param writtenBytes every result written once
/// @param inPlace      whether results replace operands
public record KernelWork(double operations, long readBytes, long writtenBytes, boolean inPlace) {

    /// The work of an operation.
    ///
    /// @param inputs  what is read
    /// @param outputs what is made, or updated in place and therefore read as well (assignment only writes)
    static KernelWork of(Opcode opcode, @Nullable Object attributes, List<TensorSpec> inputs, List<TensorSpec> outputs) {
        long read = bytes(inputs);
        long written = bytes(outputs);
        boolean inPlace = opcode.updatesInPlace() && opcode != Opcode.ASSIGN;
        if (inPlace) {
            read += written;
        }
        double operations = switch (attributes) {
            case Conv2dSizes s -> products(s);
            case Attributes.NormalisedConvolution s -> products(s.convolution());
            case GemmSizes s -> 2.0 * s.m() * s.n() * s.k();
            case null, default -> 0;
        };
        return new KernelWork(operations, read, written, inPlace);
    }

    private static double products(Conv2dSizes s) {
        return 2.0 * s.n() * s.o() * s.oh() * s.ow() * s.groupInputs() * s.kh() * s.kw();
    }

    /// All bytes.
    public long bytes() {
        return readBytes + writtenBytes;
    }

    /// Memory that is touched.
    public long footprint() {
        return inPlace ? readBytes : bytes();
    }

    /// Whether the arithmetic is counted rather than the bytes.
    public boolean isArithmetic() {
        return operations > 0;
    }

    /// Whether a tenth of the bytes or more are written.
    public boolean writes() {
        return writtenBytes * 10 >= bytes();
    }

    private static long bytes(List<TensorSpec> specs) {
        return specs.stream().mapToLong(spec -> 4L * spec.shape().elements()).sum();
    }
}
