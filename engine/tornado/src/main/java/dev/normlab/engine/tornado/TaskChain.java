package dev.normlab.engine.tornado;

import dev.normlab.engine.tornado.Memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoInternalError;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// The task graphs of a program in one execution plan: `load` sends the state, the parts run the program one after the other, `save` reads
/// the state back, `hold` what the first stage passes on. A program of two stages stops between them.
///
/// A graph hands its arrays only to the one that is executed next, so every graph takes and passes on both, and those of a library's
/// products if there are any; a small kernel in each (the one that takes or gives a region, if there is one) makes sure that it uses them.
/// A plan is compiled when it runs first and belongs to the thread that runs it.
final class TaskChain {

    /// Flags for OpenCL in the place of TornadoVM's own, which allow the driver to take NaN and infinity for impossible.
    private static final String EXACT = "-w";

    private final List<Tasks.Entry> first;
    private final List<Tasks.Entry> second;
    private final Memory memory;
    private final KernelContext context;
    private final TornadoAccelerator accelerator;
    private @Nullable TornadoExecutionPlan plan;
    private int firstParts;
    private int secondParts;
    private int graphs;

    /// @param split the number of launches in the first stage
    TaskChain(List<Tasks.Entry> entries, int split, Memory memory, KernelContext context, TornadoAccelerator accelerator) {
        this.first = List.copyOf(entries.subList(0, split));
        this.second = List.copyOf(entries.subList(split, entries.size()));
        this.memory = memory;
        this.context = context;
        this.accelerator = accelerator;
    }

    /// Sends the state.
    void load() {
        execute(0);
    }

    /// Sends the inputs, runs the first stage, reads the outputs.
    void runFirst() {
        plan();
        for (int part = 0; part < firstParts; part++) {
            execute(1 + part);
        }
    }

    /// Sends the late inputs and runs the second stage.
    void runSecond() {
        plan();
        for (int part = 0; part < secondParts; part++) {
            execute(1 + firstParts + part);
        }
    }

    /// Reads the state.
    void save() {
        plan();
        execute(1 + firstParts + secondParts);
    }

    /// Reads what the first stage passes on.
    void hold() {
        plan();
        execute(2 + firstParts + secondParts);
    }

    private void execute(int graph) {
        TornadoExecutionPlan current = plan();
        translated(() -> {
            boolean profiling = accelerator.isProfiling();
            TornadoExecutionResult result = current.withGraph(graph).execute();
            if (profiling) {
                accelerator.profile().add(result.getProfilerResult());
            }
        });
    }

    /// The plan; it is built, and its kernels are read, when it is asked for first. How many graphs it has is known then.
    private TornadoExecutionPlan plan() {
        if (plan == null) {
            translated(() -> plan = build());
        }
        return Objects.requireNonNull(plan);
    }

    // Reading kernels, compilation, memory, the driver: what TornadoVM and its compiler throw has no other common ancestor.
    private void translated(Runnable work) {
        try {
            work.run();
        } catch (OutOfMemoryError e) { // of the JVM, not the device
            throw e;
        } catch (RuntimeException | Error e) {
            throw accelerator.failure(memory.bytes(), e);
        }
    }

    private TornadoExecutionPlan build() {
        GridScheduler grids = new GridScheduler();
        List<ImmutableTaskGraph> all = new ArrayList<>();
        String name = accelerator.uniqueName();
        TaskGraph load = new TaskGraph(name + "load").transferToDevice(DataTransferMode.EVERY_EXECUTION, staging(Region.STATE))
                .transferToDevice(DataTransferMode.FIRST_EXECUTION, shared());
        takeIn(load, name + "load", Region.STATE, grids);
        all.add(finished(load, name + "load", grids));
        List<List<Tasks.Entry>> firstGraphs = first.isEmpty() ? List.of(List.of()) : GraphPacking.pack(first);
        List<List<Tasks.Entry>> secondGraphs = GraphPacking.pack(second);
        firstParts = firstGraphs.size();
        secondParts = secondGraphs.size();
        String before = name + "load";
        for (int part = 0; part < firstParts; part++) {
            Part next = new Part(firstGraphs.get(part), part == 0 ? Region.INPUT : null, part == firstParts - 1 ? Region.OUTPUT : null);
            all.add(part(name + "first" + part, before, next, grids));
            before = name + "first" + part;
        }
        for (int part = 0; part < secondParts; part++) {
            Part next = new Part(secondGraphs.get(part), part == 0 ? Region.LATE_INPUT : null, null);
            all.add(part(name + "second" + part, before, next, grids));
            before = name + "second" + part;
        }
        for (Region region : List.of(Region.STATE, Region.HELD)) {
            String own = name + "read" + region.name().toLowerCase(Locale.ROOT);
            TaskGraph read = new TaskGraph(own).consumeFromDevice(before, shared());
            giveOut(read, own, region, grids);
            all.add(finished(read, own, grids));
        }
        graphs = all.size();
        TornadoExecutionPlan made = new TornadoExecutionPlan(all.toArray(ImmutableTaskGraph[]::new));
        made.withGridScheduler(grids).withDevice(accelerator.device());
        made.withCompilerFlags(TornadoVMBackendType.OPENCL, EXACT);
        if (accelerator.isProfiling()) {
            made.withProfiler(ProfilerMode.SILENT);
        }
        return made;
    }

    /// One graph of a stage.
    ///
    /// @param in  what is sent before, or null
    /// @param out what is read behind, or null
    private record Part(List<Tasks.Entry> entries, @Nullable Region in, @Nullable Region out) {}

    private ImmutableTaskGraph part(String own, String before, Part part, GridScheduler grids) {
        TaskGraph graph = new TaskGraph(own).consumeFromDevice(before, shared());
        if (part.in != null) {
            graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, staging(part.in));
            takeIn(graph, own, part.in, grids);
        }
        for (int i = 0; i < part.entries.size(); i++) {
            Tasks.Entry entry = part.entries.get(i);
            String id = entry.operation() + i;
            entry.task().addTo(graph, id);
            if (entry.grid() != null) {
                grids.addWorkerGrid(own + "." + id, entry.grid());
            }
        }
        if (part.out != null) {
            giveOut(graph, own, part.out, grids);
        }
        if (part.in == null && part.out == null) {
            graph.task("pass", TaskChain::pass, context, memory.floats(), memory.ints());
            grids.addWorkerGrid(own + ".pass", Tasks.grid(1));
        }
        return finished(graph, own, grids);
    }

    /// What every graph takes from the one before and hands on.
    private Object[] shared() {
        List<Object> arrays = new ArrayList<>(List.of(memory.floats(), memory.ints()));
        arrays.addAll(memory.matrices());
        return arrays.toArray();
    }

    private Object[] staging(Region region) {
        return new Object[] {memory.floatStaging(region), memory.intStaging(region)};
    }

    /// Copies a region from its staging, which the graph has sent.
    private void takeIn(TaskGraph graph, String name, Region region, GridScheduler grids) {
        FloatArray floats = memory.floatStaging(region);
        IntArray ints = memory.intStaging(region);
        graph.task("take", TaskChain::take, context, floats, ints, memory.floats(), memory.ints(), memory.floatStart(region),
                floats.getSize(), memory.intStart(region), ints.getSize());
        grids.addWorkerGrid(name + ".take", Tasks.grid(Math.max(floats.getSize(), ints.getSize())));
    }

    /// Copies a region into its staging and reads that.
    private void giveOut(TaskGraph graph, String name, Region region, GridScheduler grids) {
        FloatArray floats = memory.floatStaging(region);
        IntArray ints = memory.intStaging(region);
        graph.task("give", TaskChain::give, context, memory.floats(), memory.ints(), floats, ints, memory.floatStart(region),
                floats.getSize(), memory.intStart(region), ints.getSize());
        grids.addWorkerGrid(name + ".give", Tasks.grid(Math.max(floats.getSize(), ints.getSize())));
        graph.transferToHost(DataTransferMode.EVERY_EXECUTION, staging(region));
    }

    private ImmutableTaskGraph finished(TaskGraph graph, String name, GridScheduler grids) {
        if (!memory.matrices().isEmpty()) {
            graph.task("passMatrices", TaskChain::passMatrices, context, memory.matrices().get(Launches.A),
                    memory.matrices().get(Launches.B),
                    memory.matrices().get(Launches.C));
            grids.addWorkerGrid(name + ".passMatrices", Tasks.grid(1));
        }
        graph.persistOnDevice(shared());
        return graph.snapshot();
    }

    // floats[floatAt + i] = its staging [i], and so the ints
    static void take(KernelContext context, FloatArray floatStaging, IntArray intStaging, FloatArray floats, IntArray ints, int floatAt,
            int floatCount, int intAt, int intCount) {
        int i = context.globalIdx;
        if (i < floatCount) {
            floats.set(floatAt + i, floatStaging.get(i));
        }
        if (i < intCount) {
            ints.set(intAt + i, intStaging.get(i));
        }
    }

    // The other way.
    static void give(KernelContext context, FloatArray floats, IntArray ints, FloatArray floatStaging, IntArray intStaging, int floatAt,
            int floatCount, int intAt, int intCount) {
        int i = context.globalIdx;
        if (i < floatCount) {
            floatStaging.set(i, floats.get(floatAt + i));
        }
        if (i < intCount) {
            intStaging.set(i, ints.get(intAt + i));
        }
    }

    // Reads and writes an element of both arrays, so that the graph has them.
    static void pass(KernelContext context, FloatArray floats, IntArray ints) {
        int i = context.globalIdx;
        if (i < 1) {
            floats.set(i, floats.get(i));
            ints.set(i, ints.get(i));
        }
    }

    // Reads and writes an element of each.
    static void passMatrices(KernelContext context, FloatArray matrixA, FloatArray matrixB, FloatArray matrixC) {
        int i = context.globalIdx;
        if (i < 1) {
            matrixA.set(i, matrixA.get(i));
            matrixB.set(i, matrixB.get(i));
            matrixC.set(i, matrixC.get(i));
        }
    }

    /// Frees the device's memory; the next use builds the plan anew.
    ///
    /// A plan frees (and closes) the graph that ran last only. The graphs have staging arrays of their own, and share the large arrays:
    /// the first one that has them frees them, and TornadoVM finds them gone in the others, after their staging.
    void close() {
        TornadoExecutionPlan known = plan;
        for (int graph = 0; known != null && graph < graphs; graph++) {
            try {
                known.withGraph(graph).freeDeviceMemory();
            } catch (RuntimeException | TornadoInternalError e) {
                // The shared arrays were freed with an earlier graph, or the device is gone.
            }
        }
        plan = null;
    }
}
