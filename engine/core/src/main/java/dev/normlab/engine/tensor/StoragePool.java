package dev.normlab.engine.tensor;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Arrays that are used again: a steady training step takes every intermediate from here and allocates almost nothing.
///
/// A taken array may be somewhat longer than was asked for, so that batches of different sizes share memory. Its contents are whatever its
/// last user left, or NaN (integers: `Integer.MIN_VALUE`) when the pool *poisons*, which tests use to prove that kernels write every
/// element they own.
///
/// Free arrays are let go, those first that were given back longest ago, when free and lent ones together exceed twice what was ever lent
/// at one time: steps of ever new shapes do not make the pool grow. Not thread-safe: a pool belongs to one device.
public final class StoragePool {

    /// How much longer than asked for an array may be that is kept for long.
    public static final double SLACK = 1.25;

    // Free and lent bytes together, as a multiple of the most that was lent.
    private static final int MOST_HELD = 2;

    private final TreeMap<Integer, ArrayDeque<Free<float[]>>> freeFloats = new TreeMap<>();
    private final TreeMap<Integer, ArrayDeque<Free<int[]>>> freeInts = new TreeMap<>();
    private final boolean poison;
    private long allocatedBytes;
    private long lentBytes;
    private long mostLentBytes;
    private long freeBytes;
    private long returns;

    /// A free array, and the number of arrays that were given back before it.
    private record Free<A>(A array, long since) {}

    /// An empty pool.
    ///
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
        float[] lent = free != null ? free : new float[length];
        lend(lent.length, free == null);
        return lent;
    }

    /// As [#takeFloats] with ints.
    public int[] takeInts(int length, boolean tight) {
        int[] free = shortest(freeInts, length, tight);
        int[] lent = free != null ? free : new int[length];
        lend(lent.length, free == null);
        return lent;
    }

    private void lend(int length, boolean isNew) {
        long bytes = 4L * length;
        if (isNew) {
            allocatedBytes += bytes;
        } else {
            freeBytes -= bytes;
        }
        lentBytes += bytes;
        mostLentBytes = Math.max(mostLentBytes, lentBytes);
    }

    private static <A> @Nullable A shortest(TreeMap<Integer, ArrayDeque<Free<A>>> free, int length, boolean tight) {
        var entry = free.ceilingEntry(length);
        if (entry == null || tight && entry.getKey() > length * SLACK) {
            return null;
        }
        A array = entry.getValue().pop().array;
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
        freeFloats.computeIfAbsent(floats.length, _ -> new ArrayDeque<>()).push(new Free<>(floats, returns));
        returned(floats.length);
    }

    /// Takes an array back that [#takeInts] gave.
    public void giveBack(int[] ints) {
        freeInts.computeIfAbsent(ints.length, _ -> new ArrayDeque<>()).push(new Free<>(ints, returns));
        returned(ints.length);
    }

    /// Says that a storage will not come back.
    public void forget(Storage storage) {
        lentBytes -= 4L * (storage.dtype() == DType.INT32 ? storage.ints().length : storage.floats().length);
    }

    private void returned(int length) {
        returns++;
        lentBytes -= 4L * length;
        freeBytes += 4L * length;
        while (freeBytes > 0 && freeBytes + lentBytes > MOST_HELD * mostLentBytes) {
            freeBytes -= 4L * dropOldest();
        }
    }

    // The length of the free array that was given back longest ago, which is dropped.
    private int dropOldest() {
        int floats = oldest(freeFloats), ints = oldest(freeInts);
        return floats >= 0 && (ints < 0 || since(freeFloats, floats) < since(freeInts, ints))
                ? drop(freeFloats, floats)
                : drop(freeInts, ints);
    }

    // The length of the array that is free for longest, or -1. The last of a queue is its oldest.
    private static <A> int oldest(TreeMap<Integer, ArrayDeque<Free<A>>> free) {
        int oldest = -1;
        for (int length : free.keySet()) {
            if (oldest < 0 || since(free, length) < since(free, oldest)) {
                oldest = length;
            }
        }
        return oldest;
    }

    private static <A> long since(TreeMap<Integer, ArrayDeque<Free<A>>> free, int length) {
        return queue(free, length).getLast().since;
    }

    private static <A> int drop(TreeMap<Integer, ArrayDeque<Free<A>>> free, int length) {
        queue(free, length).removeLast();
        if (queue(free, length).isEmpty()) {
            free.remove(length);
        }
        return length;
    }

    private static <A> ArrayDeque<Free<A>> queue(TreeMap<Integer, ArrayDeque<Free<A>>> free, int length) {
        return Objects.requireNonNull(free.get(length));
    }

    /// Bytes of all arrays that the pool holds or has lent.
    public long heldBytes() {
        return freeBytes + lentBytes;
    }

    /// Bytes of all arrays this pool ever allocated: constant once a repeated step has found its arrays.
    public long allocatedBytes() {
        return allocatedBytes;
    }

    /// Forgets all free arrays, so that the garbage collector may have them.
    public void clear() {
        freeFloats.clear();
        freeInts.clear();
        freeBytes = 0;
    }
}
