package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Where the tensors of a program lie: all floats in one array of the device, all ints in another, and in them a place for every tensor.
/// Three more arrays hold the factors and the results of a library's products, if there is a library.
///
/// One array, because TornadoVM orders tasks by the arrays they name, cannot pass one array to a task twice, and hands arrays from graph to
/// graph one by one. So kernels get the two arrays and where in them their operands begin. Intermediates that are not alive together share
/// memory; what crosses between host and device lies together and has a copy on the host's side, its *staging*.
final class Memory {

    /// Places begin at multiples of this many elements.
    private static final int ALIGNMENT = 32;
    /// Arrays of a library's products.
    private static final int MATRICES = 3;
    private static final String BEFORE = "memory is asked for before it is taken";

    /// The parts of the arrays, in this order.
    enum Region {
        /// On the device from run to run: parameters, optimiser state, statistics, and tables of integers.
        STATE,
        /// Sent at every run: feeds, and small tensors that the program only reads (learning rates, counters).
        INPUT,
        /// Sent before the second stage of a run: scalars that only its operations read.
        LATE_INPUT,
        /// Fetched after every run.
        OUTPUT,
        /// Passed on from the first stage to the second; fetched on demand.
        HELD,
        /// Intermediates.
        WORK
    }

    private final List<Block> blocks = new ArrayList<>();
    private final Map<Region, Integer> floatStarts = new EnumMap<>(Region.class);
    private final Map<Region, Integer> intStarts = new EnumMap<>(Region.class);
    private final Map<Region, FloatArray> floatStaging = new EnumMap<>(Region.class);
    private final Map<Region, IntArray> intStaging = new EnumMap<>(Region.class);
    private final Map<Region, Integer> floatLengths = new EnumMap<>(Region.class);
    private final Map<Region, Integer> intLengths = new EnumMap<>(Region.class);
    private final int[] matrixLengths = new int[MATRICES];
    private final List<FloatArray> matrices = new ArrayList<>();
    private int floatCount;
    private int intCount;
    private @Nullable FloatArray floats;
    private @Nullable IntArray ints;

    /// A tensor's memory.
    private static final class Block {

        private final Region region;
        private final DType dtype;
        private final int length;
        private final int birth;
        private final int death;
        private int offset = -1;

        Block(Region region, DType dtype, int length, int birth, int death) {
            this.region = region;
            this.dtype = dtype;
            this.length = length;
            this.birth = birth;
            this.death = death;
        }

        boolean livesWith(Block other) {
            return region != Region.WORK || birth <= other.death && other.birth <= death;
        }

        long end() {
            return offset + (length + ALIGNMENT - 1L) / ALIGNMENT * ALIGNMENT;
        }
    }

    /// Room for a tensor; returns its number.
    ///
    /// @param birth the first operation that has it; counts for intermediates only
    /// @param death the last
    int add(Region region, DType dtype, int length, int birth, int death) {
        blocks.add(new Block(region, dtype, length, birth, death));
        return blocks.size() - 1;
    }

    /// Makes one of the arrays of a library's products at least this long.
    void needMatrix(int which, int elements) {
        matrixLengths[which] = Math.max(matrixLengths[which], elements);
    }

    private boolean hasMatrices() {
        return Arrays.stream(matrixLengths).anyMatch(length -> length > 0);
    }

    /// The arrays of a library's products; none if no product is a library's.
    List<FloatArray> matrices() {
        return matrices;
    }

    /// Decides all places; takes no memory yet.
    ///
    /// @throws AcceleratorException if there are more than 2^31 - 1 elements
    void place() {
        long floatEnd = 0;
        long intEnd = 0;
        for (Region region : Region.values()) {
            floatStarts.put(region, element(floatEnd));
            intStarts.put(region, element(intEnd));
            long floatLength = place(region, DType.FLOAT32);
            long intLength = place(region, DType.INT32);
            floatEnd += floatLength;
            intEnd += intLength;
            floatLengths.put(region, element(floatLength));
            intLengths.put(region, element(intLength));
        }
        floatCount = element(floatEnd);
        intCount = element(intEnd);
    }

    /// Takes the memory on the host's side, of which TornadoVM makes the device's a mirror; [#drop] gives it back.
    ///
    /// @param poisoned whether it is full of NaN (integers: `Integer.MIN_VALUE`) instead of zeros
    /// @throws AcceleratorException if there is not enough
    void take(boolean poisoned) {
        try {
            for (Region region : Region.values()) {
                if (region != Region.WORK) {
                    floatStaging.put(region, new FloatArray(Objects.requireNonNull(floatLengths.get(region))));
                    intStaging.put(region, new IntArray(Objects.requireNonNull(intLengths.get(region))));
                }
            }
            floats = new FloatArray(floatCount);
            ints = new IntArray(intCount);
            for (int which = 0; hasMatrices() && which < MATRICES; which++) {
                matrices.add(new FloatArray(matrixLengths[which]));
            }
            if (poisoned) {
                floats.init(Float.NaN);
                ints.init(Integer.MIN_VALUE);
                matrices.forEach(matrix -> matrix.init(Float.NaN));
            }
        } catch (OutOfMemoryError e) {
            drop();
            throw new AcceleratorException(String.format(Locale.ROOT,
                    "the program needs %.1f MiB, on the device and beside the heap of the JVM, which has not so much; use a smaller batch, or give "
                            + "it more with NORMLAB_JAVA_OPTS=-XX:MaxDirectMemorySize=16g",
                    bytes() / (double) (1 << 20)), e);
        }
    }

    /// Whether the memory is there.
    boolean isTaken() {
        return floats != null;
    }

    /// Gives the host's memory back.
    void drop() {
        floatStaging.clear();
        intStaging.clear();
        matrices.clear();
        floats = null;
        ints = null;
    }

    private static int element(long index) {
        if (index > Integer.MAX_VALUE - 64) {
            throw new AcceleratorException("the program needs more than 2^31 elements in the memory of the GPU; use a smaller batch");
        }
        return (int) index;
    }

    // The longest block first, each at the lowest place where nothing lies that is alive at the same time; returns the length of the
    // region.
    private long place(Region region, DType dtype) {
        List<Block> own = blocks.stream().filter(block -> block.region == region && block.dtype == dtype)
                .sorted(Comparator.comparingInt((Block block) -> -block.length)).toList();
        List<Block> placed = new ArrayList<>();
        long size = ALIGNMENT;
        for (Block block : own) {
            long offset = 0;
            List<Block> neighbours = placed.stream().filter(block::livesWith).sorted(Comparator.comparingInt(other -> other.offset))
                    .toList();
            for (Block other : neighbours) {
                if (offset + block.length <= other.offset) {
                    break;
                }
                offset = Math.max(offset, other.end());
            }
            block.offset = element(offset);
            placed.add(block);
            size = Math.max(size, block.end());
        }
        return size;
    }

    /// All floats.
    FloatArray floats() {
        return Objects.requireNonNull(floats, BEFORE);
    }

    /// All ints.
    IntArray ints() {
        return Objects.requireNonNull(ints, BEFORE);
    }

    /// The host's copy of the floats of a region.
    FloatArray floatStaging(Region region) {
        return Objects.requireNonNull(floatStaging.get(region), BEFORE);
    }

    /// The host's copy of the ints of a region.
    IntArray intStaging(Region region) {
        return Objects.requireNonNull(intStaging.get(region), BEFORE);
    }

    /// Where the floats of a region begin.
    int floatStart(Region region) {
        return Objects.requireNonNull(floatStarts.get(region), BEFORE);
    }

    /// Where the ints of a region begin.
    int intStart(Region region) {
        return Objects.requireNonNull(intStarts.get(region), BEFORE);
    }

    /// Where a tensor begins on the device.
    int at(int block) {
        Block each = blocks.get(block);
        return (each.dtype == DType.INT32 ? intStart(each.region) : floatStart(each.region)) + each.offset;
    }

    /// Where a tensor begins in the staging of its region.
    int staged(int block) {
        return blocks.get(block).offset;
    }

    /// The region of a tensor.
    Region region(int block) {
        return blocks.get(block).region;
    }

    /// Bytes of the largest array on the device.
    long largest() {
        return 4L * Math.max(Math.max(floatCount, intCount), Arrays.stream(matrixLengths).max().orElse(0));
    }

    /// Bytes on the device: the two arrays and those of a library's products (not what the library takes for itself), the staging of every
    /// region, and that of the state once more, which is sent and read by different graphs.
    long bytes() {
        long staged = floatLengths.values().stream().mapToLong(Integer::longValue).sum()
                + intLengths.values().stream().mapToLong(Integer::longValue).sum()
                - floatLengths.getOrDefault(Region.WORK, 0) - intLengths.getOrDefault(Region.WORK, 0);
        long state = floatLengths.getOrDefault(Region.STATE, 0) + (long) intLengths.getOrDefault(Region.STATE, 0);
        long products = Arrays.stream(matrixLengths).asLongStream().sum();
        return 4 * (staged + state + floatCount + intCount + products);
    }
}
