package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.normlab.engine.kernel.vector.VectorKernels;
import dev.normlab.engine.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The vector kernels keep their contract on machines with shorter vectors than this one's.
class NarrowVectorsTest {

    private static final int TIMEOUT_SECONDS = 300;

    @ParameterizedTest
    @ValueSource(ints = {16, 32})
    void theContractHoldsForVectorsOfBytes(int bytes) {
        int lanes = bytes / Float.BYTES;
        int here = new VectorKernels().activationLayout(Shape.of(1, 64, 8, 8)).block();
        assumeTrue(lanes <= here, "this machine's vectors have " + here + " lanes");
        List<String> lines = ForkedJvm.run(ContractProgram.class, List.of("-XX:MaxVectorSize=" + bytes), TIMEOUT_SECONDS);
        assertEquals(lanes, Integer.parseInt(lines.get(0)), "channels per block");
        assertTrue(Integer.parseInt(lines.get(1)) > 500, lines.get(1) + " cases");
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void theContractHoldsForOlderInstructionsOfX86(int level) {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the flag UseAVX is of x86 only");
        List<String> lines = ForkedJvm.run(ContractProgram.class, List.of("-XX:UseAVX=" + level), TIMEOUT_SECONDS);
        assertTrue(Integer.parseInt(lines.get(0)) <= (level == 1 ? 4 : 8), lines.get(0) + " channels per block");
        assertTrue(Integer.parseInt(lines.get(1)) > 500, lines.get(1) + " cases");
    }

    // SSE has no fused product: each is a call that computes exactly and rounds, thousands of times slower, so a few small cases have to
    // do.
    @Tag("slow")
    @Test
    void theContractHoldsWithoutFusedProducts() {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), "the flag UseAVX is of x86 only");
        List<String> lines = ForkedJvm.run(ContractProgram.class, List.of("-XX:UseAVX=0"), TIMEOUT_SECONDS, "2");
        assertEquals(4, Integer.parseInt(lines.get(0)), "channels per block");
        assertTrue(Integer.parseInt(lines.get(1)) > 60, lines.get(1) + " cases");
    }
}
