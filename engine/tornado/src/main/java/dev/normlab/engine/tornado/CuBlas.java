package dev.normlab.engine.tornado;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// NVIDIA's cuBLAS through TornadoVM's library tasks, on devices of its CUDA backend. The task is described by name, so that nothing but
/// TornadoVM's API is needed to compile this.
///
/// @param tf32 with TF32 tensor cores
record CuBlas(boolean tf32) implements MatrixLibrary {

    private static final String LIBRARY = "nvidia/cublas";

    /// The numbers of cuBLAS for a matrix as it is and transposed.
    private static final int PLAIN = 0, TRANSPOSED = 1;

    /// 256 MiB.
    private static final long MOST_ELEMENTS = 1L << 26;

    /// The position of the result among the arguments.
    private static final int RESULT = 11;

    @Override
    public String name() {
        return tf32 ? "cuBLAS with TF32" : "cuBLAS";
    }

    @Override
    public void addTo(TaskGraph graph, String id, Product product, FloatArray a, FloatArray b, FloatArray c) {
        LibraryTaskDescriptor task = describe(product, a, b, c);
        graph.libraryTask(id, described -> described, task);
    }

    // cuBLAS has columns where we have rows: c = a · b becomes transposed c = transposed b · transposed a, of the same arrays.
    LibraryTaskDescriptor describe(Product p, FloatArray a, FloatArray b, FloatArray c) {
        float beta = p.add() ? 1f : 0f;
        Object[] arguments = {p.transposeB() ? TRANSPOSED : PLAIN, p.transposeA() ? TRANSPOSED : PLAIN, p.n(), p.m(), p.k(), 1f, b,
                p.transposeB() ? p.k() : p.n(), a, p.transposeA() ? p.m() : p.k(), beta, c, p.n()};
        Access[] accesses = new Access[arguments.length];
        Arrays.fill(accesses, Access.READ_ONLY);
        accesses[RESULT] = p.add() ? Access.READ_WRITE : Access.WRITE_ONLY;
        return new LibraryTaskDescriptor().withLibrary(LIBRARY).withFunction(tf32 ? "cublasSgemmTF32" : "cublasSgemm")
                .withParameters(arguments).withAccess(accesses);
    }

    @Override
    public @Nullable WorkerGrid grid(Product product) {
        return null;
    }

    @Override
    public long mostElements() {
        return MOST_ELEMENTS;
    }
}
