package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.tensor.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Where the tensors of a program lie: all floats in one array of the device, all ints in another, and in them a place for every tensor.
///
/// One array, because TornadoVM orders tasks by the arrays they name, cannot pass one array to a task twice, and hands arrays from graph to
/// graph one by one. So kernels get the two arrays and where in them their operands begin. Intermediates that are not alive together share
/// memory; what crosses between host and device lies together and has a copy on the host's side, its *staging*.
final class Memory {

    /// Places begin at multiples of this many elements.
    private static final int ALIGNMENT = 32;

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
    private FloatArray floats = new FloatArray(1);
    private IntArray ints = new IntArray(1);

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

    /// Decides all places, and takes the memory on the host's side.
    ///
    /// @throws AcceleratorException if there are more than 2^31 - 1 elements
    void allocate() {
        long floatEnd = 0;
        long intEnd = 0;
        for (Region region : Region.values()) {
            floatStarts.put(region, element(floatEnd));
            intStarts.put(region, element(intEnd));
            long floatLength = place(region, DType.FLOAT32);
            long intLength = place(region, DType.INT32);
            floatEnd += floatLength;
            intEnd += intLength;
            if (region != Region.WORK) {
                floatStaging.put(region, new FloatArray(element(floatLength)));
                intStaging.put(region, new IntArray(element(intLength)));
            }
        }
        floats = new FloatArray(element(floatEnd));
        ints = new IntArray(element(intEnd));
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
        return floats;
    }

    /// All ints.
    IntArray ints() {
        return ints;
    }

    /// The host's copy of the floats of a region.
    FloatArray floatStaging(Region region) {
        return Objects.requireNonNull(floatStaging.get(region), "memory is asked for before it is allocated");
    }

    /// The host's copy of the ints of a region.
    IntArray intStaging(Region region) {
        return Objects.requireNonNull(intStaging.get(region), "memory is asked for before it is allocated");
    }

    /// Where the floats of a region begin.
    int floatStart(Region region) {
        return Objects.requireNonNull(floatStarts.get(region), "memory is asked for before it is allocated");
    }

    /// Where the ints of a region begin.
    int intStart(Region region) {
        return Objects.requireNonNull(intStarts.get(region), "memory is asked for before it is allocated");
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

    /// Bytes on the device.
    long bytes() {
        long staged = floatStaging.values().stream().mapToLong(FloatArray::getSize).sum()
                + intStaging.values().stream().mapToLong(IntArray::getSize).sum();
        return 4 * (staged + floats.getSize() + ints.getSize());
    }
}
