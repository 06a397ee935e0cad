package dev.normlab.engine.tornado;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TaskGraphInterface;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid3D;

/// The kernel launches of a program, in order.
final class Tasks {

    /// Threads of a group where the kernel does not care.
    static final int GROUP = 128;

    private final List<Entry> entries = new ArrayList<>();

    /// Adds a kernel with its operands to a graph under this name.
    @FunctionalInterface
    interface Task {

        void addTo(TaskGraphInterface graph, String id);
    }

    /// A launch: the operation it belongs to, its threads unless a library knows them itself, and the kernel.
    record Entry(String operation, @Nullable WorkerGrid grid, Task task) {}

    List<Entry> entries() {
        return entries;
    }

    /// The threads for this many items.
    static WorkerGrid grid(int items) {
        WorkerGrid1D grid = new WorkerGrid1D((int) (((long) items + GROUP - 1) / GROUP * GROUP));
        grid.setLocalWork(GROUP, 1, 1);
        return grid;
    }

    /// One thread for each of `items`; the kernel ignores threads beyond.
    void forEach(String operation, int items, Task task) {
        groups(operation, (int) (((long) items + GROUP - 1) / GROUP), GROUP, task);
    }

    /// Groups of `size` threads that work together.
    void groups(String operation, int groups, int size, Task task) {
        if (groups == 0) {
            return;
        }
        WorkerGrid1D grid = new WorkerGrid1D(Math.multiplyExact(groups, size));
        grid.setLocalWork(size, 1, 1);
        entries.add(new Entry(operation, grid, task));
    }

    /// A launch with these threads, or with those that it chooses.
    void add(String operation, @Nullable WorkerGrid grid, Task task) {
        entries.add(new Entry(operation, grid, task));
    }

    /// Groups of `size x size` threads, `columns x rows x layers` of them.
    void tiles(String operation, int columns, int rows, int layers, int size, Task task) {
        if (columns == 0 || rows == 0 || layers == 0) {
            return;
        }
        WorkerGrid3D grid = new WorkerGrid3D(columns * size, rows * size, layers);
        grid.setLocalWork(size, size, 1);
        entries.add(new Entry(operation, grid, task));
    }
}
