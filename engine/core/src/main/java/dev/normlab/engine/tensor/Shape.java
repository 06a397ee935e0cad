package dev.normlab.engine.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The logical sizes of a tensor, row-major: the last dimension varies fastest. A shape of rank 0 is a scalar of one element.
///
/// Images are `[n, c, h, w]` and convolution weights `[o, c/groups, kh, kw]` everywhere, whatever layout a backend keeps in memory.
public final class Shape {

    private final int[] sizes;
    private final int elements;

    private Shape(int[] sizes) {
        long product = 1;
        for (int size : sizes) {
            if (size < 0) {
                throw new ShapeException("a shape has no negative sizes, but got " + Arrays.toString(sizes));
            }
            product *= size;
            if (product > Integer.MAX_VALUE - 64) {
                throw new ShapeException(
                        "a tensor holds at most 2^31 - 65 elements, but the shape " + Arrays.toString(sizes) + " has more");
            }
        }
        this.sizes = sizes;
        this.elements = (int) product;
    }

    /// The shape with these sizes.
    ///
    /// @throws ShapeException if a size is negative or the number of elements does not fit an array
    public static Shape of(int... sizes) {
        return new Shape(sizes.clone());
    }

    /// The number of dimensions.
    public int rank() {
        return sizes.length;
    }

    /// The size of one dimension; negative dimensions count from the end, so that `size(-1)` is the last.
    ///
    /// @throws ShapeException if there is no such dimension
    public int size(int dimension) {
        int index = dimension < 0 ? dimension + sizes.length : dimension;
        if (index < 0 || index >= sizes.length) {
            throw new ShapeException("the shape " + this + " has " + sizes.length + " dimensions, there is no dimension " + dimension);
        }
        return sizes[index];
    }

    /// The product of all sizes; 1 for a scalar.
    public int elements() {
        return elements;
    }

    /// A copy of the sizes.
    public int[] toArray() {
        return sizes.clone();
    }

    /// Row-major strides, in elements.
    public int[] strides() {
        int[] strides = new int[sizes.length];
        int stride = 1;
        for (int d = sizes.length - 1; d >= 0; d--) {
            strides[d] = stride;
            stride *= sizes[d];
        }
        return strides;
    }

    /// This shape with one size replaced.
    public Shape with(int dimension, int size) {
        int[] changed = sizes.clone();
        changed[dimension < 0 ? dimension + sizes.length : dimension] = size;
        return new Shape(changed);
    }

    /// The shape of a broadcasting elementwise operation on two shapes: aligned at the last dimension, sizes of 1 stretch.
    ///
    /// @throws ShapeException if two aligned sizes differ and neither is 1
    public static Shape broadcast(String operation, Shape a, Shape b) {
        int rank = Math.max(a.rank(), b.rank());
        int[] sizes = new int[rank];
        for (int d = 1; d <= rank; d++) {
            int sizeA = d <= a.rank() ? a.size(-d) : 1;
            int sizeB = d <= b.rank() ? b.size(-d) : 1;
            if (sizeA != sizeB && sizeA != 1 && sizeB != 1) {
                throw new ShapeException(
                        operation + ": the shapes " + a + " and " + b + " do not broadcast: counted from the end, dimension " + d + " is "
                                + sizeA + " in one and " + sizeB + " in the other, and neither is 1");
            }
            sizes[rank - d] = sizeA == 1 ? sizeB : sizeA;
        }
        return new Shape(sizes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape that && Arrays.equals(sizes, that.sizes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sizes);
    }

    /// For example `[128, 3, 32, 32]`.
    @Override
    public String toString() {
        return IntStream.of(sizes).mapToObj(Integer::toString).collect(Collectors.joining(", ", "[", "]"));
    }
}
