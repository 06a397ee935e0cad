package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.kernel.vector.VectorKernels;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.testkit.ConvolutionCases;
import dev.normlab.testkit.OperationCase;
import dev.normlab.testkit.OperationCases;
import dev.normlab.testkit.Samples;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// A convolution that normalises its outputs while they are in the cache, or takes their statistics, gives the bits of the single
/// operations, whatever its algorithm.
class NormalisedConvolutionTest {

    private static final List<OperationCase> CONVOLUTIONS = ConvolutionCases.convolutions().stream()
            .filter(each -> each.opcode() == Opcode.CONV2D && each.inputs().get(2) != null || each.opcode() == Opcode.CONV2D_STATISTICS)
            .toList();

    @TestFactory
    Stream<DynamicTest> exactConvolutions() {
        return tests(new VectorKernels(ConvolutionMode.EXACT), CONVOLUTIONS);
    }

    @TestFactory
    Stream<DynamicTest> fastConvolutions() {
        return tests(new VectorKernels(ConvolutionMode.FAST), CONVOLUTIONS);
    }

    @TestFactory
    Stream<DynamicTest> referenceConvolutions() {
        return tests(new ScalarKernels(), CONVOLUTIONS.subList(0, 30));
    }

    private static Stream<DynamicTest> tests(Kernels kernels, List<OperationCase> cases) {
        return cases.stream().map(each -> dynamicTest(each.toString(), () -> {
            try (Device device = Device.of(kernels, 2, true)) {
                compare(each, device, true);
                compare(each, device, false);
                compareStatistics(each, device);
            }
        }));
    }

    private static void compare(OperationCase each, Device device, boolean relu) {
        Conv2dSizes s = (Conv2dSizes) Objects.requireNonNull(each.attributes());
        Tensor x = OperationCases.place(Samples.uniform(1, s.inputShape().toArray()), device, true);
        Tensor weight = Samples.uniform(2, s.weightShape().toArray());
        @Nullable Tensor bias = relu ? Samples.uniform(3, s.o()) : null;
        Tensor scale = Samples.uniform(4, s.o());
        Tensor shift = Samples.uniform(5, s.o());
        Tensor mean = Samples.uniform(6, s.o());
        Tensor var = Samples.uniform(7, 0.1f, 1f, s.o());
        @Nullable Tensor residual = relu ? OperationCases.place(Samples.uniform(8, s.outputShape().toArray()), device, true) : null;
        BatchNormSizes norm = new BatchNormSizes(s.n(), s.o(), s.oh() * s.ow(), 1e-5f);
        TensorSpec spec = TensorSpec.floats(s.outputShape());
        try (EagerExecutor executor = new EagerExecutor(device)) {
            Tensor y = executor.run(Opcode.CONV2D, s, spec, x, weight, bias);
            Tensor single = relu
                    ? executor.run(Opcode.BATCH_NORM_EVAL_RELU, norm, spec, y, scale, shift, mean, var, residual)
                    : executor.run(Opcode.BATCH_NORM_EVAL, norm, spec, y, scale, shift, mean, var);
            Tensor fused = executor.run(Opcode.CONV2D_BATCH_NORM_EVAL, new NormalisedConvolution(s, norm, relu), spec, x, weight, bias,
                    scale, shift, mean, var, residual);
            assertArrayEquals(OperationCases.bits(single), OperationCases.bits(fused), each + (relu ? " with residual and ReLU" : ""));
        }
    }

    private static void compareStatistics(OperationCase each, Device device) {
        Conv2dSizes s = (Conv2dSizes) Objects.requireNonNull(each.attributes());
        Tensor x = OperationCases.place(Samples.uniform(1, s.inputShape().toArray()), device, true);
        Tensor weight = Samples.uniform(2, s.weightShape().toArray()), bias = Samples.uniform(3, s.o());
        Tensor scale = Samples.uniform(4, s.o()), shift = Samples.uniform(5, s.o());
        BatchNormSizes norm = new BatchNormSizes(s.n(), s.o(), s.oh() * s.ow(), 1e-5f);
        TensorSpec spec = TensorSpec.floats(s.outputShape()), channels = bias.spec();
        try (EagerExecutor executor = new EagerExecutor(device)) {
            Tensor y = executor.run(Opcode.CONV2D, s, spec, x, weight, bias);
            List<Tensor> single = executor.run(Opcode.BATCH_NORM_TRAIN_RELU, norm, List.of(spec, channels, channels), y, scale, shift,
                    null);
            List<Tensor> fused = executor.run(Opcode.CONV2D_STATISTICS, s, List.of(spec, channels, channels), x, weight, bias);
            Tensor z = executor.run(Opcode.BATCH_NORM_EVAL_RELU, norm, spec, fused.get(0), scale, shift, fused.get(1), fused.get(2), null);
            assertArrayEquals(OperationCases.bits(y), OperationCases.bits(fused.get(0)), each + ": result");
            assertArrayEquals(OperationCases.bits(single.get(1)), OperationCases.bits(fused.get(1)), each + ": mean");
            assertArrayEquals(OperationCases.bits(single.get(2)), OperationCases.bits(fused.get(2)), each + ": variance");
            assertArrayEquals(OperationCases.bits(single.get(0)), OperationCases.bits(z), each + ": normalised");
        }
    }
}
