package dev.normlab.engine.tensor;

/// A stream of random numbers that is a pure function of a seed, a purpose and indices, so that every purpose (initialisation, the shuffle
/// of one epoch, the crop of one image, an attack's restart) draws from its own stream and no result depends on what else was drawn before.
///
///     RandomStream shuffle = RandomStream.of(seed, "shuffle", epoch);
///     RandomStream crop = RandomStream.of(seed, "augmentation", epoch, imageIndex);
///
/// The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011): ten rounds of
/// multiplications turn a 64-bit key and a 128-bit counter into four 32-bit words. The key comes from the seed and the purpose, the upper
/// half of the counter from the indices, and the lower half counts blocks of four words. Every method says how many words it takes; the
/// position is the number of words taken so far. All results are bitwise the same on every machine. Not for use by several threads at once.
public final class RandomStream {

    private static final int MULTIPLIER_0 = 0xD2511F53;
    private static final int MULTIPLIER_1 = 0xCD9E8D57;
    private static final int KEY_STEP_0 = 0x9E3779B9;
    private static final int KEY_STEP_1 = 0xBB67AE85;
    private static final int ROUNDS = 10;
    private static final float FLOAT_UNIT = 0x1p-24f;
    private static final long LOW_32_BITS = 0xFFFFFFFFL;

    private final long key;
    private final long stream;
    private long position;
    private final int[] words = new int[4];

    /// Where a stream stands: enough to continue it bitwise, for checkpoints.
    ///
    /// @param key 64-bit key of the generator, from the seed and the purpose
    /// @param stream upper half of the counter, from the indices
    /// @param position number of 32-bit words already taken
    public record State(long key, long stream, long position) {}

    private RandomStream(long key, long stream, long position) {
        this.key = key;
        this.stream = stream;
        moveTo(position);
    }

    /// The stream of a purpose, at its beginning.
    ///
    /// @param seed the seed of the run
    /// @param purpose what the numbers are for, for example `"shuffle"`
    /// @param indices which of several streams of that purpose, for example the epoch and the image; two different lists of indices of the
    ///     same length have different streams (two lists of one index for certain, longer ones but for hash collisions at 2^-64)
    public static RandomStream of(long seed, String purpose, long... indices) {
        long key = mix(seed);
        for (int i = 0; i < purpose.length(); i++) {
            key = mix(key ^ purpose.charAt(i));
        }
        long stream = indices.length;
        for (long index : indices) {
            stream = mix(stream + index);
        }
        return new RandomStream(key, stream, 0);
    }

    /// The stream that continues where another stood.
    public static RandomStream at(State state) {
        return new RandomStream(state.key(), state.stream(), state.position());
    }

    /// Where this stream stands now.
    public State state() {
        return new State(key, stream, position);
    }

    /// Sets the number of words taken, so that the next word is word number `newPosition` of the stream.
    ///
    /// @throws IllegalArgumentException if the position is negative
    public void moveTo(long newPosition) {
        if (newPosition < 0) {
            throw new IllegalArgumentException("the position of a random stream is at least 0, but got " + newPosition);
        }
        position = newPosition;
        if ((newPosition & 3) != 0) {
            philox(key, stream, newPosition >>> 2, words);
        }
    }

    /// The next 32 random bits. Takes one word.
    public int nextBits() {
        int lane = (int) (position & 3);
        if (lane == 0) {
            philox(key, stream, position >>> 2, words);
        }
        position++;
        return words[lane];
    }

    /// The next 64 random bits, the first word in the upper half. Takes two words.
    public long nextLong() {
        long high = nextBits();
        return high << 32 | nextBits() & LOW_32_BITS;
    }

    /// Uniform in [0, 1), a multiple of 2^-24. Takes one word.
    public float nextFloat() {
        return (nextBits() >>> 8) * FLOAT_UNIT;
    }

    /// Uniform in [low, high), or `low` if both are equal. Takes one word.
    ///
    /// @throws IllegalArgumentException unless both are finite and low is at most high
    public float uniform(float low, float high) {
        checkRange(low, high);
        return scale(nextFloat(), low, high);
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958, the cosine branch). Takes two words.
    public float nextNormal() {
        double radius = radius(nextBits());
        return (float) (radius * StrictMath.cos(angle(nextBits())));
    }

    /// Uniform in 0 .. bound - 1 without bias (Lemire, "Fast random integer generation in an interval", 2019).
    /// Takes one word, rarely more.
    ///
    /// @throws IllegalArgumentException if bound is not positive
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("a random integer needs a bound of at least 1, but got " + bound);
        }
        long product = (nextBits() & LOW_32_BITS) * bound;
        if ((product & LOW_32_BITS) < bound) {
            long threshold = (1L << 32) % bound;
            while ((product & LOW_32_BITS) < threshold) {
                product = (nextBits() & LOW_32_BITS) * bound;
            }
        }
        return (int) (product >>> 32);
    }

    /// True with the given probability. Takes one word.
    public boolean nextBoolean(float probability) {
        return nextFloat() < probability;
    }

    /// Puts the values into a random order in place (Fisher and Yates): every order is equally likely.
    public void shuffle(int[] values) {
        for (int i = values.length - 1; i > 0; i--) {
            int j = nextInt(i + 1);
            int swapped = values[i];
            values[i] = values[j];
            values[j] = swapped;
        }
    }

    /// The numbers 0 .. n - 1 in a random order.
    public int[] permutation(int n) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        shuffle(order);
        return order;
    }

    /// Fills an array with uniform numbers in [low, high). Takes one word for each.
    public void fillUniform(float[] target, float low, float high) {
        fillUniform(target, 0, target.length, low, high);
    }

    /// Fills `length` elements from `offset` on with uniform numbers in [low, high). Takes one word for each.
    public void fillUniform(float[] target, int offset, int length, float low, float high) {
        checkRange(low, high);
        for (int i = offset; i < offset + length; i++) {
            target[i] = scale(nextFloat(), low, high);
        }
    }

    /// Fills an array with normal numbers. Takes one word for each, and one more if the number is odd.
    public void fillNormal(float[] target, float mean, float deviation) {
        fillNormal(target, 0, target.length, mean, deviation);
    }

    /// Fills `length` elements from `offset` on with normal numbers: both branches of Box and Muller, so that two words make two numbers.
    /// The numbers differ from those that [#nextNormal] would give.
    public void fillNormal(float[] target, int offset, int length, float mean, float deviation) {
        int end = offset + length;
        for (int i = offset; i < end; i += 2) {
            double radius = deviation * radius(nextBits());
            double angle = angle(nextBits());
            target[i] = (float) (mean + radius * StrictMath.cos(angle));
            if (i + 1 < end) {
                target[i + 1] = (float) (mean + radius * StrictMath.sin(angle));
            }
        }
    }

    /// Philox4x32-10: the four words at one counter value.
    ///
    /// @param key the key; its low half is the published `k0`, its high half `k1`
    /// @param counterHigh upper half of the counter: `c2` low, `c3` high
    /// @param counterLow lower half of the counter: `c0` low, `c1` high
    /// @param words receives the four words
    public static void philox(long key, long counterHigh, long counterLow, int[] words) {
        int k0 = (int) key;
        int k1 = (int) (key >>> 32);
        int c0 = (int) counterLow;
        int c1 = (int) (counterLow >>> 32);
        int c2 = (int) counterHigh;
        int c3 = (int) (counterHigh >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long product0 = (MULTIPLIER_0 & LOW_32_BITS) * (c0 & LOW_32_BITS);
            long product1 = (MULTIPLIER_1 & LOW_32_BITS) * (c2 & LOW_32_BITS);
            c0 = (int) (product1 >>> 32) ^ c1 ^ k0;
            c1 = (int) product1;
            c2 = (int) (product0 >>> 32) ^ c3 ^ k1;
            c3 = (int) product0;
            k0 += KEY_STEP_0;
            k1 += KEY_STEP_1;
        }
        words[0] = c0;
        words[1] = c1;
        words[2] = c2;
        words[3] = c3;
    }

    /// sqrt(-2 ln u) with u in (0, 1): the word's upper half-open cell centres, so that u is never 0.
    private static double radius(int word) {
        return Math.sqrt(-2.0 * StrictMath.log(((word & LOW_32_BITS) + 0.5) * 0x1p-32));
    }

    private static double angle(int word) {
        return 2.0 * Math.PI * ((word & LOW_32_BITS) * 0x1p-32);
    }

    private static float scale(float unit, float low, float high) {
        float value = low + unit * (high - low);
        return value < high || low == high ? value : Math.nextDown(high);
    }

    private static void checkRange(float low, float high) {
        if (!(low <= high) || !Float.isFinite(high - low)) {
            throw new IllegalArgumentException(
                    "a uniform random number needs finite bounds with low <= high, but got " + low + " and " + high);
        }
    }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits in which every input bit reaches every output bit.
    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}
