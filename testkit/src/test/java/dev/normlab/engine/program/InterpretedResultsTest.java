package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.testkit.ForkedJvm;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The interpreter and the optimising compiler of the Java machine give the same bits.
class InterpretedResultsTest {

    private static final int TIMEOUT_SECONDS = 300;

    @Test
    void resultsAreBitwiseTheSameInterpretedAndCompiled() {
        List<String> interpreted = ForkedJvm.run(ResultHashes.class, List.of("-Xint"), TIMEOUT_SECONDS, "1");
        List<String> compiled = ForkedJvm.run(ResultHashes.class, List.of(), TIMEOUT_SECONDS, "12");
        assertTrue(interpreted.size() > 300, "results of " + interpreted.size() + " operations");
        assertEquals(String.join("\n", interpreted), String.join("\n", compiled));
    }
}
