package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraphInterface;
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
    private static final String FUNCTION = "cublasSgemm";
    private static final String OPTIONS = "uk.ac.manchester.tornado.cublas.CuBlasOptions";
    private static final String MODES = "uk.ac.manchester.tornado.cublas.enums.CuBlasMathMode";
    private static final String TENSOR_CORES = "CUBLAS_TF32_TENSOR_OP_MATH";

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

    // TF32 has 10 bits behind the point.
    @Override
    public double factorRounding() {
        return tf32 ? 0x1p-11 : 0x1p-24;
    }

    @Override
    public void addTo(TaskGraphInterface graph, String id, Product product, FloatArray a, FloatArray b, FloatArray c) {
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
        accesses[RESULT] = Access.READ_WRITE; // always: other tasks of the graph use the array, too
        LibraryTaskDescriptor task = new LibraryTaskDescriptor().withLibrary(LIBRARY).withFunction(FUNCTION).withParameters(arguments)
                .withAccess(accesses);
        return tf32 ? task.withTuning(tensorCores()) : task;
    }

    // The mode of a call is an object of TornadoVM's module for cuBLAS, which every SDK has and the API has not.
    private static Object tensorCores() {
        try {
            Class<?> options = Class.forName(OPTIONS), modes = Class.forName(MODES);
            Object mode = Arrays.stream(modes.getEnumConstants()).filter(each -> each.toString().equals(TENSOR_CORES)).findFirst()
                    .orElseThrow(() -> new ClassNotFoundException(MODES + "." + TENSOR_CORES));
            return options.getMethod("withMathMode", modes).invoke(options.getConstructor().newInstance(), mode);
        } catch (ReflectiveOperationException e) {
            throw new AcceleratorException("this TornadoVM has no TF32 mode of cuBLAS (" + e.getMessage()
                    + "); take products by cublas without it, or an SDK of version 5.2.0 with the CUDA backend", e);
        }
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
