package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeakProbeTest {

    private final PeakProbe probe = PeakProbe.find().orElseThrow();

    @Test
    void multiplyAddsDependOnEveryRound() {
        // Twelve chains start at 1 to 6 and 1.5 to 6.5, sum 45, and each goes to 0.999 x + 0.001.
        assertEquals(45f, probe.multiplyAdd(0));
        assertEquals(45 * 0.999 + 12 * 0.001, probe.multiplyAdd(1), 1e-4);
        assertEquals(12 + 33 * Math.pow(0.999, 1000), probe.multiplyAdd(1000), 1e-2);
        assertTrue(probe.operationsPerRound() >= 24);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 16, 63, 64, 65, 200})
    void loopsTouchTheirRangeAndNothingElse(int length) {
        int from = 3, size = length + 8;
        float[] a = new float[size], b = new float[size], c = new float[size];
        for (int i = 0; i < size; i++) {
            a[i] = i;
            b[i] = 2 * i;
        }
        double sum = 0;
        float[] copied = new float[size], triad = new float[size], negated = a.clone();
        for (int i = from; i < from + length; i++) {
            sum += i;
            copied[i] = i;
            triad[i] = 7 * i;
            negated[i] = -i;
        }
        assertEquals(sum, probe.read(a, from, from + length));
        probe.triad(a, b, c, from, from + length);
        assertArrayEquals(triad, c);
        Arrays.fill(c, 0);
        probe.copy(a, c, from, from + length);
        assertArrayEquals(copied, c);
        probe.scaleInPlace(a, from, from + length);
        assertArrayEquals(negated, a);
    }
}
