package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.vector.VectorKernels;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The fast mode keeps the contract of convolutions within its own tolerance.
class FastConvolutionsContractTest {

    private final VectorKernels kernels = new VectorKernels(ConvolutionMode.FAST);
    private final Contract contract = new Contract(kernels);

    private static final class Contract extends KernelsContract {

        private Contract(Kernels kernels) {
            super(kernels);
        }
    }

    @AfterEach
    void closeDevices() {
        contract.closeDevices();
    }

    @TestFactory
    Stream<DynamicTest> convolutionsAgreeWithTheirDefinition() {
        return ConvolutionCases.fastConvolutions().stream().map(each -> dynamicTest(each.toString(), () -> contract.check(each)));
    }

    @Test
    void mostOfTheseCasesAreNotComputedDirectly() {
        List<Conv2dSizes> sizes = ConvolutionCases.fastConvolutions().stream().map(FastConvolutionsContractTest::sizes).distinct().toList();
        long fast = sizes.stream().filter(s -> kernels.convolutions().algorithm(s, ConvolutionPass.FORWARD) != ConvolutionAlgorithm.DIRECT)
                .count();
        assertTrue(fast > sizes.size() / 2, fast + " of " + sizes.size());
    }

    @Test
    void theAlgorithmDoesNotDependOnTheBatch() {
        for (OperationCase each : ConvolutionCases.fastConvolutions()) {
            Conv2dSizes s = sizes(each);
            Conv2dSizes more = new Conv2dSizes(s.n() + 100, s.c(), s.h(), s.w(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(),
                    s.padTop(), s.padBottom(), s.padLeft(), s.padRight(), s.dilationH(), s.dilationW(), s.groups(), s.oh(), s.ow());
            for (ConvolutionPass pass : ConvolutionPass.values()) {
                assertTrue(kernels.convolutions().algorithm(s, pass) == kernels.convolutions().algorithm(more, pass), pass + " of " + s);
            }
        }
    }

    private static Conv2dSizes sizes(OperationCase each) {
        return each.attributes() instanceof NormalisedConvolution normalised
                ? normalised.convolution()
                : (Conv2dSizes) Objects.requireNonNull(each.attributes());
    }
}
