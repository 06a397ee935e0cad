package dev.normlab.engine.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomStreamTest {

    private static int[] philox(long key, long counterHigh, long counterLow) {
        int[] words = new int[4];
        RandomStream.philox(key, counterHigh, counterLow, words);
        return words;
    }

    /// The known answers that the authors publish for philox4x32 with 10 rounds.
    @Test
    void thePublishedKnownAnswersHold() {
        assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, philox(0, 0, 0));
        assertArrayEquals(new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, philox(-1, -1, -1));
        assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
                philox(0x299f31d0_a4093822L, 0x03707344_13198a2eL, 0x85a308d3_243f6a88L));
    }

    @Test
    void theSameSeedPurposeAndIndicesGiveTheSameNumbers() {
        RandomStream a = RandomStream.of(7, "shuffle", 3);
        RandomStream b = RandomStream.of(7, "shuffle", 3);
        for (int i = 0; i < 100; i++) {
            assertEquals(a.nextBits(), b.nextBits());
        }
    }

    @Test
    void seedsPurposesAndIndicesHaveStreamsOfTheirOwn() {
        Set<Long> firstNumbers = new HashSet<>();
        int streams = 0;
        for (long seed = -3; seed < 20; seed++) {
            for (String purpose : new String[] {"", "a", "b", "ab", "ba", "shuffle", "augmentation"}) {
                firstNumbers.add(RandomStream.of(seed, purpose).nextLong());
                streams++;
                for (int i = 0; i < 10; i++) {
                    firstNumbers.add(RandomStream.of(seed, purpose, i).nextLong());
                    firstNumbers.add(RandomStream.of(seed, purpose, i, 0).nextLong());
                    firstNumbers.add(RandomStream.of(seed, purpose, 0, i + 1).nextLong());
                    streams += 3;
                }
            }
        }
        // (i, 0) and (0, i + 1) never coincide, so every stream must start with its own 64 bits.
        assertEquals(streams, firstNumbers.size());
    }

    @Test
    void aStreamContinuesFromItsState() {
        for (int taken = 0; taken < 9; taken++) {
            RandomStream original = RandomStream.of(1, "test");
            for (int i = 0; i < taken; i++) {
                original.nextBits();
            }
            RandomStream copy = RandomStream.at(original.state());
            assertEquals(taken, original.state().position());
            for (int i = 0; i < 9; i++) {
                assertEquals(original.nextBits(), copy.nextBits());
            }
        }
    }

    @Test
    void movingBackRepeatsTheNumbers() {
        RandomStream stream = RandomStream.of(1, "test");
        int[] first = new int[11];
        Arrays.setAll(first, i -> stream.nextBits());
        for (int i = 10; i >= 0; i--) {
            stream.moveTo(i);
            assertEquals(first[i], stream.nextBits());
        }
        assertThrows(IllegalArgumentException.class, () -> stream.moveTo(-1));
    }

    @Test
    void floatsAreUniformInTheUnitInterval() {
        float[] values = new float[200_000];
        RandomStream.of(5, "uniform").fillUniform(values, 0, 1);
        int[] bins = new int[20];
        for (float value : values) {
            assertTrue(value >= 0 && value < 1);
            bins[(int) (value * 20)]++;
        }
        // A bin's count has a standard deviation of about 97; the seed is fixed.
        for (int count : bins) {
            assertEquals(10_000, count, 450);
        }
    }

    @Test
    void uniformNumbersStayBelowTheirUpperBound() {
        RandomStream stream = RandomStream.of(5, "narrow");
        float low = 1;
        float high = Math.nextUp(Math.nextUp(low));
        for (int i = 0; i < 1000; i++) {
            float value = stream.uniform(low, high);
            assertTrue(value >= low && value < high);
        }
        assertEquals(2f, stream.uniform(2, 2));
        assertThrows(IllegalArgumentException.class, () -> stream.uniform(1, 0));
        assertThrows(IllegalArgumentException.class, () -> stream.uniform(Float.NaN, 1));
        assertThrows(IllegalArgumentException.class, () -> stream.uniform(0, Float.POSITIVE_INFINITY));
    }

    @Test
    void normalNumbersHaveTheMomentsAndTailsOfTheNormalDistribution() {
        float[] values = new float[200_001];
        RandomStream.of(5, "normal").fillNormal(values, 3, 2);
        checkMoments(values, 3, 2);
        RandomStream single = RandomStream.of(6, "normal");
        for (int i = 0; i < values.length; i++) {
            values[i] = single.nextNormal();
        }
        checkMoments(values, 0, 1);
    }

    private static void checkMoments(float[] values, double mean, double deviation) {
        double[] moments = new double[5];
        int beyondTwo = 0;
        for (float value : values) {
            double z = (value - mean) / deviation;
            for (int power = 1; power <= 4; power++) {
                moments[power] += Math.pow(z, power) / values.length;
            }
            beyondTwo += Math.abs(z) > 2 ? 1 : 0;
        }
        assertEquals(0, moments[1], 0.01);
        assertEquals(1, moments[2], 0.015);
        assertEquals(0, moments[3], 0.03);
        assertEquals(3, moments[4], 0.08);
        assertEquals(0.0455, beyondTwo / (double) values.length, 0.002);
    }

    @Test
    void integersReachEveryValueBelowTheirBoundEquallyOften() {
        RandomStream stream = RandomStream.of(5, "integers");
        for (int bound : new int[] {1, 2, 7, 10}) {
            int[] counts = new int[bound];
            for (int i = 0; i < 10_000 * bound; i++) {
                counts[stream.nextInt(bound)]++;
            }
            for (int count : counts) {
                assertEquals(10_000, count, 450);
            }
        }
        // With a bound of 3 * 2^29, taking the remainder instead would hit the lower third of the range half of the time.
        int inLowerThird = 0;
        for (int i = 0; i < 30_000; i++) {
            inLowerThird += stream.nextInt(3 << 29) < 1 << 29 ? 1 : 0;
        }
        assertEquals(10_000, inLowerThird, 400);
        assertThrows(IllegalArgumentException.class, () -> stream.nextInt(0));
        assertThrows(IllegalArgumentException.class, () -> stream.nextInt(-1));
    }

    @Test
    void aPermutationHoldsEveryNumberOnceAndEveryOrderIsEquallyLikely() {
        RandomStream stream = RandomStream.of(5, "permutation");
        int[] order = stream.permutation(1000);
        boolean[] seen = new boolean[1000];
        for (int value : order) {
            assertFalse(seen[value]);
            seen[value] = true;
        }
        int[] counts = new int[27];
        for (int i = 0; i < 60_000; i++) {
            int[] three = stream.permutation(3);
            counts[9 * three[0] + 3 * three[1] + three[2]]++;
        }
        int[] sorted = Arrays.stream(counts).filter(count -> count > 0).toArray();
        assertEquals(6, sorted.length);
        for (int count : sorted) {
            assertEquals(10_000, count, 450);
        }
        assertArrayEquals(new int[0], stream.permutation(0));
    }

    @Test
    void theNumbersOfAStreamNeverChangeBetweenVersions() {
        RandomStream stream = RandomStream.of(42, "frozen", 1, 2);
        assertEquals(-446955273974750632L, stream.nextLong());
        assertEquals(-0.36814272f, stream.nextNormal());
        assertArrayEquals(new int[] {3, 0, 4, 1, 2}, stream.permutation(5));
    }
}
