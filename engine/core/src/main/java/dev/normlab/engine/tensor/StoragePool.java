package dev.normlab.engine.tensor;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// Arrays that are used again: a steady training step takes every intermediate from here and allocates almost nothing.
///
/// Arrays are kept by exact length, so a step of unchanged shapes finds all of them. The contents of a taken array are whatever its last user left, or
/// NaN (integers: `Integer.MIN_VALUE`) when the pool *poisons*, which tests use to prove that kernels write every element they own.
/// Not thread-safe: a pool belongs to one device.
public final class StoragePool {

    private final Map<Integer, ArrayDeque<float[]>> freeFloats = new HashMap<>();
    private final Map<Integer, ArrayDeque<int[]>> freeInts = new HashMap<>();
    private final boolean poison;
    private long allocatedBytes;

    /// @param poison whether arrays are filled with NaN before they are handed out
    public StoragePool(boolean poison) {
        this.poison = poison;
    }

    /// A storage with undefined contents.
    public Storage take(DType dtype, Shape shape, Layout layout) {
        int length = layout.length(shape);
        if (dtype == DType.INT32) {
            ArrayDeque<int[]> free = freeInts.get(length);
            int[] ints = free == null || free.isEmpty() ? allocateInts(length) : free.pop();
            if (poison) {
                Arrays.fill(ints, Integer.MIN_VALUE);
            }
            return Storage.ofInts(shape, ints);
        }
        ArrayDeque<float[]> free = freeFloats.get(length);
        float[] floats = free == null || free.isEmpty() ? allocateFloats(length) : free.pop();
        if (poison) {
            Arrays.fill(floats, Float.NaN);
        }
        return Storage.ofFloats(shape, layout, floats);
    }

    /// Takes a storage back; it must not be used afterwards, and its uses fail.
    public void giveBack(Storage storage) {
        if (storage.dtype() == DType.INT32) {
            int[] ints = storage.ints();
            freeInts.computeIfAbsent(ints.length, _ -> new ArrayDeque<>()).push(ints);
        } else {
            float[] floats = storage.floats();
            freeFloats.computeIfAbsent(floats.length, _ -> new ArrayDeque<>()).push(floats);
        }
        storage.release();
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

    private float[] allocateFloats(int length) {
        allocatedBytes += 4L * length;
        return new float[length];
    }

    private int[] allocateInts(int length) {
        allocatedBytes += 4L * length;
        return new int[length];
    }
}
