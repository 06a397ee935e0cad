package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// What every backend promises; a test class of a backend extends this one and says which kernels it means.
///
/// Every case runs as the engine would run it (layouts and repacks included), three times: with row-major inputs and with inputs in the
/// activation layout on one thread, and again on three threads. Output memory is full of NaN before. Then: results agree with a reference
/// in double within the rounding of their sums; padding lanes are exactly zero; inputs are unchanged bit for bit; three threads give the
/// bits of one.
public abstract class KernelsContract {

    private final Device one;
    private final Device three;

    /// The contract for these kernels.
    protected KernelsContract(Kernels kernels) {
        this.one = Device.of(kernels, 1, true);
        this.three = Device.of(kernels, 3, true);
    }

    @AfterEach
    void closeDevices() {
        one.close();
        three.close();
    }

    @TestFactory
    Stream<DynamicTest> convolutionsAgreeWithTheirDefinition() {
        return tests(ConvolutionCases.convolutions());
    }

    @TestFactory
    Stream<DynamicTest> matrixProductsAgreeWithTheirDefinition() {
        return tests(ConvolutionCases.matrixProducts());
    }

    @TestFactory
    Stream<DynamicTest> batchNormsAgreeWithTheirDefinition() {
        return tests(BatchNormCases.all());
    }

    @TestFactory
    Stream<DynamicTest> poolingAgreesWithItsDefinition() {
        return tests(PoolingCases.all());
    }

    @TestFactory
    Stream<DynamicTest> elementwiseFunctionsAgreeWithTheirDefinition() {
        return tests(ElementwiseCases.all());
    }

    @TestFactory
    Stream<DynamicTest> reductionsAgreeWithTheirDefinition() {
        return tests(ReductionCases.all());
    }

    @TestFactory
    Stream<DynamicTest> arrangementsAgreeWithTheirDefinition() {
        return tests(ArrangementCases.all());
    }

    @TestFactory
    Stream<DynamicTest> lossesAgreeWithTheirDefinition() {
        return tests(LossCases.all());
    }

    @TestFactory
    Stream<DynamicTest> updatesAgreeWithTheirDefinition() {
        return tests(UpdateCases.all());
    }

    @TestFactory
    Stream<DynamicTest> attackStepsAgreeWithTheirDefinition() {
        return tests(AttackCases.all());
    }

    @TestFactory
    Stream<DynamicTest> stepsOfAutoPgdAgreeWithTheirDefinition() {
        return tests(AutoPgdCases.all());
    }

    private Stream<DynamicTest> tests(List<OperationCase> cases) {
        return cases.stream().map(each -> dynamicTest(each.toString(), () -> check(each)));
    }

    final void check(OperationCase each) {
        List<Expected> expected = each.expected().get();
        run(each, one, false, expected);
        List<float[]> alone = run(each, one, true, expected);
        List<float[]> together = run(each, three, true, expected);
        for (int i = 0; i < alone.size(); i++) {
            assertArrayEquals(OperationCases.bits(alone.get(i)), OperationCases.bits(together.get(i)),
                    each + ": three threads give other bits than one in output " + i);
        }
    }

    private static List<float[]> run(OperationCase each, Device device, boolean blocked, List<Expected> expected) {
        @Nullable Tensor[] inputs = each.inputs().stream().map(input -> input == null ? null : OperationCases.place(input, device, blocked))
                .toArray(Tensor[]::new);
        List<int[]> before = fingerprints(inputs);
        List<float[]> results = new ArrayList<>();
        try (EagerExecutor executor = new EagerExecutor(device)) {
            List<Tensor> targets = each.targets().stream().map(target -> OperationCases.place(target, device, false)).toList();
            List<Tensor> outputs = OperationCases.run(each, executor, inputs, targets);
            assertEquals(expected.size(), outputs.size(), each + ": number of outputs");
            for (int i = 0; i < outputs.size(); i++) {
                expected.get(i).check("output " + i + " with " + (blocked ? "blocked" : "plain") + " inputs", outputs.get(i));
                requireZeroPadding(outputs.get(i).storage());
                if (outputs.get(i).dtype() == DType.FLOAT32) {
                    results.add(outputs.get(i).toArray());
                }
            }
        }
        List<int[]> after = fingerprints(inputs);
        for (int i = 0; i < before.size(); i++) {
            assertArrayEquals(before.get(i), after.get(i), each + ": input " + i + " was modified");
        }
        return results;
    }

    private static List<int[]> fingerprints(@Nullable Tensor[] tensors) {
        List<int[]> all = new ArrayList<>();
        for (Tensor tensor : tensors) {
            if (tensor == null) {
                all.add(new int[0]);
            } else {
                all.add(tensor.dtype() == DType.INT32 ? tensor.toIntArray() : OperationCases.bits(tensor.storage().floats()));
            }
        }
        return all;
    }

    private static void requireZeroPadding(Storage storage) {
        if (!storage.layout().isBlocked()) {
            return;
        }
        Shape shape = storage.shape();
        float[] plain = new float[shape.elements()];
        storage.layout().unpack(shape, storage.floats(), plain);
        float[] clean = new float[storage.layout().length(shape)];
        storage.layout().pack(shape, plain, clean);
        for (int i = 0; i < clean.length; i++) {
            if (storage.floats()[i] != clean[i] && !Float.isNaN(clean[i])) {
                throw new AssertionError(
                        "a padding lane of " + shape + " in blocks of " + storage.layout().block() + " holds " + storage.floats()[i]
                                + " at array index " + i + " instead of zero");
            }
        }
    }
}
