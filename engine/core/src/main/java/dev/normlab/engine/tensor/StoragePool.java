package dev.normlab.engine.tensor;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Arrays that are used again: a steady training step takes every intermediate from here and allocates almost nothing.
///
/// A taken array may be somewhat longer than was asked for, so that batches of different sizes share memory. Its contents are whatever its last user left,
/// or NaN (integers: `Integer.MIN_VALUE`) when the pool *poisons*, which tests use to prove that kernels write every element they own.
/// Not thread-safe: a pool belongs to one device.
public final class StoragePool {

    // An array is not lent to a storage that needs less than 4/5 of it and may be kept for long.
    private static final double SLACK = 1.25;

    private final TreeMap<Integer, ArrayDeque<float[]>> freeFloats = new TreeMap<>();
    private final TreeMap<Integer, ArrayDeque<int[]>> freeInts = new TreeMap<>();
    private final boolean poison;
    private long allocatedBytes;

    /// @param poison whether arrays are filled with NaN before they are handed out
    public StoragePool(boolean poison) {
        this.poison = poison;
    }

    /// A storage with undefined contents.
    public Storage take(DType dtype, Shape shape, Layout layout) {
        int length = layout.length(shape);
        Storage storage = dtype == DType.INT32
                ? Storage.ofInts(shape, takeInts(length, true))
                : Storage.ofFloats(shape, layout, takeFloats(length, true));
        poison(storage);
        return storage;
    }

    /// The shortest free array of at least `length` floats, or a new one. Whoever takes several begins with the longest.
    ///
    /// @param tight whether an array that is much longer is too good for this, because it may be kept for long
    public float[] takeFloats(int length, boolean tight) {
        float[] free = shortest(freeFloats, length, tight);
        if (free != null) {
            return free;
        }
        allocatedBytes += 4L * length;
        return new float[length];
    }

    /// As [#takeFloats] with ints.
    public int[] takeInts(int length, boolean tight) {
        int[] free = shortest(freeInts, length, tight);
        if (free != null) {
            return free;
        }
        allocatedBytes += 4L * length;
        return new int[length];
    }

    private static <A> @Nullable A shortest(TreeMap<Integer, ArrayDeque<A>> free, int length, boolean tight) {
        var entry = free.ceilingEntry(length);
        if (entry == null || tight && entry.getKey() > length * SLACK) {
            return null;
        }
        A array = entry.getValue().pop();
        if (entry.getValue().isEmpty()) {
            free.remove(entry.getKey());
        }
        return array;
    }

    /// Fills a storage of a poisoning pool, before anything is written to it; others stay as they are.
    public void poison(Storage storage) {
        if (!poison) {
            return;
        }
        if (storage.dtype() == DType.INT32) {
            Arrays.fill(storage.ints(), Integer.MIN_VALUE);
        } else {
            Arrays.fill(storage.floats(), Float.NaN);
        }
    }

    /// Takes a storage back; it must not be used afterwards, and its uses fail.
    public void giveBack(Storage storage) {
        if (storage.dtype() == DType.INT32) {
            giveBack(storage.ints());
        } else {
            giveBack(storage.floats());
        }
        storage.release();
    }

    /// Takes an array back that [#takeFloats] gave.
    public void giveBack(float[] floats) {
        freeFloats.computeIfAbsent(floats.length, _ -> new ArrayDeque<>()).push(floats);
    }

    /// Takes an array back that [#takeInts] gave.
    public void giveBack(int[] ints) {
        freeInts.computeIfAbsent(ints.length, _ -> new ArrayDeque<>()).push(ints);
    }

    /// Bytes of all arrays this pool ever allocated: constant once a repeated step has found its arrays.
    public long allocatedBytes() {
        return allocatedBytes;
    }

    /// Forgets all free arrays, so that the garbage collector may have them.
    public void clear() {
        freeFloats.clear();
        freeInts.clear();
    }
}
