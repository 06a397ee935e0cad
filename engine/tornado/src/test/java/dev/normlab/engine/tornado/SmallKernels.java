package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Runs small kernels as programs run theirs: with their flags, 256 threads over 256 floats and ints.
final class SmallKernels {

    static final int N = 256;
    static final float NAN = Float.intBitsToFloat(0x7fc00000);

    private SmallKernels() {}

    /// Skips the test where there is no device.
    static void needDevice() {
        String obstacle = new TornadoProvider().obstacle().orElse("");
        assumeTrue(obstacle.isEmpty(), "skipped: " + obstacle);
    }

    /// Adds the task of a test to its graph.
    interface Kernel {

        void addTo(TaskGraph graph, KernelContext context, FloatArray floats, IntArray ints);
    }

    /// Runs one kernel over `floats` and `ints`, with the flags that programs have.
    static void run(Kernel kernel, FloatArray floats, IntArray ints) {
        KernelContext context = new KernelContext();
        String name = "trap" + System.nanoTime();
        TaskGraph graph = new TaskGraph(name).transferToDevice(DataTransferMode.EVERY_EXECUTION, floats, ints);
        kernel.addTo(graph, context, floats, ints);
        graph.transferToHost(DataTransferMode.EVERY_EXECUTION, floats, ints);
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.withGridScheduler(new GridScheduler(name + ".kernel", Tasks.grid(N)));
            plan.withCompilerFlags(TornadoVMBackendType.OPENCL, "-w");
            plan.execute();
        } catch (Exception e) {
            throw e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
        }
    }

    static int[] intsOf(Kernel kernel, int... values) {
        IntArray ints = new IntArray(N);
        for (int i = 0; i < N; i++) {
            ints.set(i, values[i % values.length]);
        }
        run(kernel, new FloatArray(N), ints);
        return ints.toHeapArray();
    }

    static float[] floatsOf(Kernel kernel, float... values) {
        FloatArray floats = new FloatArray(N);
        for (int i = 0; i < N; i++) {
            floats.set(i, values[i % values.length]);
        }
        run(kernel, floats, new IntArray(N));
        return floats.toHeapArray();
    }
}
