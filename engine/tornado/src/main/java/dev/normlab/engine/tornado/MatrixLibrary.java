package dev.normlab.engine.tornado;

import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraphInterface;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Matrix products by somebody else's code on the device. Libraries take whole arrays, and a program's tensors are parts of one array, so
/// the factors are copied into arrays of their own ([TornadoLibraryProducts]).
interface MatrixLibrary {

    /// `c [m, n] = a · b`, or `c + a · b`; all row-major from the beginning of their arrays.
    ///
    /// @param transposeA the array has `a` as `[k, m]` instead of `[m, k]`
    /// @param transposeB the array has `b` as `[n, k]` instead of `[k, n]`
    /// @param add        whether the product is added to what is in `c`
    record Product(int m, int n, int k, boolean transposeA, boolean transposeB, boolean add) {}

    /// The name, for people.
    String name();

    /// The largest relative error with which it takes factors: 2^-24 if they stay floats.
    double factorRounding();

    /// Adds the product to a graph under this name.
    void addTo(TaskGraphInterface graph, String id, Product product, FloatArray a, FloatArray b, FloatArray c);

    /// The threads of the product, if it is a kernel that needs them said.
    @Nullable
    WorkerGrid grid(Product product);

    /// Elements that each matrix of a convolution has at most, unless a single image has more: it is made for some images after the other.
    long mostElements();
}
