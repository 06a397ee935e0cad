package dev.normlab.engine.tensor;

import org.jspecify.annotations.Nullable;

/// The memory of one tensor: an array, the logical shape and the layout of its elements.
///
/// Kernels read and write the arrays directly. Whoever changes the contents calls [#touch()], so that packed copies of weights, which are
/// keyed by [#version()], are made anew.
public final class Storage {

    private final DType dtype;
    private final Shape shape;
    private final Layout layout;
    private final float @Nullable [] floats;
    private final int @Nullable [] ints;
    private long version;
    private volatile @Nullable Owner newer;
    private boolean bringing;
    private boolean released;

    /// Who holds newer contents of a storage than its array does: the memory of an accelerator.
    @FunctionalInterface
    public interface Owner {

        /// Writes the newest contents into the array of the storage. Any thread may ask, but one at a time for a storage.
        ///
        /// @throws RuntimeException if they are lost; the array is not to be used then
        void bringBack(Storage storage);
    }

    private Storage(DType dtype, Shape shape, Layout layout, float @Nullable [] floats, int @Nullable [] ints) {
        this.dtype = dtype;
        this.shape = shape;
        this.layout = layout;
        this.floats = floats;
        this.ints = ints;
    }

    /// A float storage around an array of at least `layout.length(shape)` elements; the array is kept, not copied.
    public static Storage ofFloats(Shape shape, Layout layout, float[] floats) {
        if (floats.length < layout.length(shape)) {
            throw new ShapeException(
                    "a storage of shape " + shape + " needs " + layout.length(shape) + " floats, but got " + floats.length);
        }
        return new Storage(DType.FLOAT32, shape, layout, floats, null);
    }

    /// An integer storage around an array, always row-major; the array is kept, not copied.
    public static Storage ofInts(Shape shape, int[] ints) {
        if (ints.length < shape.elements()) {
            throw new ShapeException("a storage of shape " + shape + " needs " + shape.elements() + " ints, but got " + ints.length);
        }
        return new Storage(DType.INT32, shape, Layout.PLAIN, null, ints);
    }

    /// The element type.
    public DType dtype() {
        return dtype;
    }

    /// The logical shape.
    public Shape shape() {
        return shape;
    }

    /// How the elements lie in memory.
    public Layout layout() {
        return layout;
    }

    /// The array of a float storage, in this storage's layout.
    ///
    /// @throws IllegalStateException if the storage holds integers or has gone back to its pool
    public float[] floats() {
        requireLive();
        settle();
        return requireFloats();
    }

    /// The array of an integer storage, row-major.
    ///
    /// @throws IllegalStateException if the storage holds floats or has gone back to its pool
    public int[] ints() {
        requireLive();
        settle();
        return requireInts();
    }

    /// How often the contents have been changed since the storage was made.
    public long version() {
        return version;
    }

    /// Says that the contents have changed.
    public void touch() {
        version++;
    }

    /// Says that the contents have changed, and that somebody else holds them. They come back when the array is asked for.
    public void changedBy(Owner owner) {
        newer = owner;
        version++;
    }

    /// The array of a float storage, of which every element is about to be replaced: newer contents that somebody else holds are not
    /// brought back, so that this works where they are lost. Whoever replaces them calls [#touch()] then.
    ///
    /// @throws IllegalStateException as [#floats()], and then nothing is given up
    public synchronized float[] floatsToReplace() {
        requireLive();
        float[] array = requireFloats();
        newer = null;
        return array;
    }

    /// As [#floatsToReplace()], of an integer storage.
    ///
    /// @throws IllegalStateException as [#ints()], and then nothing is given up
    public synchronized int[] intsToReplace() {
        requireLive();
        int[] array = requireInts();
        newer = null;
        return array;
    }

    /// Who holds newer contents than the array, or null.
    public @Nullable Owner newerContents() {
        return newer;
    }

    private float[] requireFloats() {
        if (floats == null) {
            throw new IllegalStateException("a tensor of shape " + shape + " holds integers where floats are needed");
        }
        return floats;
    }

    private int[] requireInts() {
        if (ints == null) {
            throw new IllegalStateException("a tensor of shape " + shape + " holds floats where integers are needed");
        }
        return ints;
    }

    private void settle() {
        if (newer != null) {
            bringBack();
        }
    }

    // Other threads wait until the contents are there; the owner itself asks for the array to write into it. If the owner fails, its claim
    // stays: nobody takes the old contents for the new ones.
    private synchronized void bringBack() {
        Owner owner = newer;
        if (owner == null || bringing) {
            return;
        }
        bringing = true;
        try {
            owner.bringBack(this);
            newer = null;
        } finally {
            bringing = false;
        }
    }

    /// Marks the array as handed back; any later use of this storage fails.
    public void release() {
        requireLive();
        released = true;
    }

    boolean isReleased() {
        return released;
    }

    private void requireLive() {
        if (released) {
            throw new IllegalStateException("a tensor of shape " + shape + " was used after its tape or program took its memory back; "
                    + "read it before the tape closes, or keep it with Tape.keep");
        }
    }
}
