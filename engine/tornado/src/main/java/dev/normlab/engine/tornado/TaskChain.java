package dev.normlab.engine.tornado;

import dev.normlab.engine.tornado.Memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// The task graphs of a program in one execution plan: `load` sends the state, the parts run the program one after the other, `save` reads
/// the state back.
///
/// A graph hands its arrays only to the one that is executed next, so every graph takes and passes on both, and a small kernel in each makes
/// sure that it uses them. A plan is compiled when it runs first and belongs to the thread that runs it.
final class TaskChain {

    /// Tasks of one graph: the hard limit is 256, but long graphs exceed other limits first.
    private static final int MOST_TASKS = 100;

    /// Flags for OpenCL in the place of TornadoVM's own, which allow the driver to take NaN and infinity for impossible.
    private static final String EXACT = "-w";

    private final List<Tasks.Entry> entries;
    private final Memory memory;
    private final KernelContext context;
    private final TornadoAccelerator accelerator;
    private @Nullable TornadoExecutionPlan plan;
    private int parts;

    TaskChain(List<Tasks.Entry> entries, Memory memory, KernelContext context, TornadoAccelerator accelerator) {
        this.entries = List.copyOf(entries);
        this.memory = memory;
        this.context = context;
        this.accelerator = accelerator;
    }

    int launches() {
        return entries.size();
    }

    /// Sends the state.
    void load() {
        execute(0);
    }

    /// Sends the inputs, runs the program, reads the outputs.
    void run() {
        TornadoExecutionPlan current = plan();
        for (int part = 1; part <= parts; part++) {
            execute(current, part);
        }
    }

    /// Reads the state.
    void save() {
        TornadoExecutionPlan current = plan();
        execute(current, parts + 1);
    }

    private void execute(int graph) {
        execute(plan(), graph);
    }

    private void execute(TornadoExecutionPlan current, int graph) {
        try {
            current.withGraph(graph).execute();
        } catch (RuntimeException e) { // compilation, memory, the driver: TornadoVM's exceptions have no other common ancestor
            throw accelerator.failure(memory.bytes(), e);
        }
    }

    private TornadoExecutionPlan plan() {
        TornadoExecutionPlan known = plan;
        if (known == null) {
            known = build();
            plan = known;
        }
        return known;
    }

    private TornadoExecutionPlan build() {
        GridScheduler grids = new GridScheduler();
        List<ImmutableTaskGraph> graphs = new ArrayList<>();
        String name = accelerator.uniqueName();
        TaskGraph load = new TaskGraph(name + "load").transferToDevice(DataTransferMode.EVERY_EXECUTION, staging(Region.STATE))
                .transferToDevice(DataTransferMode.FIRST_EXECUTION, memory.floats(), memory.ints());
        takeIn(load, name + "load", Region.STATE, grids);
        graphs.add(finished(load, name + "load", grids));
        parts = Math.max(1, (entries.size() + MOST_TASKS - 1) / MOST_TASKS);
        String before = name + "load";
        for (int part = 0; part < parts; part++) {
            String own = name + "run" + part;
            graphs.add(part(own, before, part, grids));
            before = own;
        }
        TaskGraph save = new TaskGraph(name + "save").consumeFromDevice(before, memory.floats(), memory.ints());
        giveOut(save, name + "save", Region.STATE, grids);
        graphs.add(finished(save, name + "save", grids));
        TornadoExecutionPlan made = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
        made.withGridScheduler(grids).withDevice(accelerator.device());
        made.withCompilerFlags(TornadoVMBackendType.OPENCL, EXACT);
        return made;
    }

    private ImmutableTaskGraph part(String own, String before, int part, GridScheduler grids) {
        TaskGraph graph = new TaskGraph(own).consumeFromDevice(before, memory.floats(), memory.ints());
        if (part == 0) {
            graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, staging(Region.INPUT));
            takeIn(graph, own, Region.INPUT, grids);
        }
        int end = Math.min(entries.size(), (part + 1) * MOST_TASKS);
        for (int i = part * MOST_TASKS; i < end; i++) {
            Tasks.Entry entry = entries.get(i);
            String id = entry.operation() + i;
            entry.task().addTo(graph, id);
            grids.addWorkerGrid(own + "." + id, entry.grid());
        }
        if (part == parts - 1) {
            giveOut(graph, own, Region.OUTPUT, grids);
        }
        return finished(graph, own, grids);
    }

    private Object[] staging(Region region) {
        return new Object[] {memory.floatStaging(region), memory.intStaging(region)};
    }

    /// Copies a region from its staging, which the graph has sent.
    private void takeIn(TaskGraph graph, String name, Region region, GridScheduler grids) {
        FloatArray floats = memory.floatStaging(region);
        IntArray ints = memory.intStaging(region);
        graph.task("takeFloats", TaskChain::takeFloats, context, floats, memory.floats(), memory.floatStart(region), floats.getSize());
        grids.addWorkerGrid(name + ".takeFloats", Tasks.grid(floats.getSize()));
        graph.task("takeInts", TaskChain::takeInts, context, ints, memory.ints(), memory.intStart(region), ints.getSize());
        grids.addWorkerGrid(name + ".takeInts", Tasks.grid(ints.getSize()));
    }

    /// Copies a region into its staging and reads that.
    private void giveOut(TaskGraph graph, String name, Region region, GridScheduler grids) {
        FloatArray floats = memory.floatStaging(region);
        IntArray ints = memory.intStaging(region);
        graph.task("giveFloats", TaskChain::giveFloats, context, memory.floats(), floats, memory.floatStart(region), floats.getSize());
        grids.addWorkerGrid(name + ".giveFloats", Tasks.grid(floats.getSize()));
        graph.task("giveInts", TaskChain::giveInts, context, memory.ints(), ints, memory.intStart(region), ints.getSize());
        grids.addWorkerGrid(name + ".giveInts", Tasks.grid(ints.getSize()));
        graph.transferToHost(DataTransferMode.EVERY_EXECUTION, staging(region));
    }

    private ImmutableTaskGraph finished(TaskGraph graph, String name, GridScheduler grids) {
        graph.task("pass", TaskChain::pass, context, memory.floats(), memory.ints());
        grids.addWorkerGrid(name + ".pass", Tasks.grid(1));
        graph.persistOnDevice(memory.floats(), memory.ints());
        return graph.snapshot();
    }

    static void takeFloats(KernelContext context, FloatArray staging, FloatArray floats, int at, int n) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(at + i, staging.get(i));
        }
    }

    static void takeInts(KernelContext context, IntArray staging, IntArray ints, int at, int n) {
        int i = context.globalIdx;
        if (i < n) {
            ints.set(at + i, staging.get(i));
        }
    }

    static void giveFloats(KernelContext context, FloatArray floats, FloatArray staging, int at, int n) {
        int i = context.globalIdx;
        if (i < n) {
            staging.set(i, floats.get(at + i));
        }
    }

    static void giveInts(KernelContext context, IntArray ints, IntArray staging, int at, int n) {
        int i = context.globalIdx;
        if (i < n) {
            staging.set(i, ints.get(at + i));
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

    /// Frees the device's memory; the next use builds the plan anew.
    void close() {
        TornadoExecutionPlan known = plan;
        if (known != null) {
            try {
                known.freeDeviceMemory();
                known.close();
            } catch (TornadoExecutionPlanException e) {
                throw new IllegalStateException("the memory of the GPU could not be freed", e);
            }
        }
        plan = null;
    }
}
