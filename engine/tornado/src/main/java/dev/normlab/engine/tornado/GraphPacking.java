package dev.normlab.engine.tornado;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import uk.ac.manchester.tornado.api.TaskGraphInterface;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;

/// Cuts launches into as few graphs as TornadoVM has room for, since the host needs a quarter of a millisecond to begin one. Some of the
/// room is kept for the tasks that a graph adds itself.
///
/// TornadoVM writes a graph down in 8,192 bytes, 15 for a task and 5 for each of its (at most 20) arguments; in 1,024 nodes, one for every
/// different argument and up to three for a task; and in a table of 256 tasks. What is beyond is an error of TornadoVM.
final class GraphPacking {

    /// Tasks of one graph, with its own that take in and give out.
    static final int MOST_TASKS = 256;

    private static final int MOST_BYTES = 8192;
    private static final int BYTES_OF_TASK = 15;
    private static final int BYTES_OF_ARGUMENT = 5;
    private static final int MOST_ARGUMENTS = 20;
    private static final int MOST_NODES = 1024;
    private static final int NODES_OF_TASK = 3;

    /// Tasks that a graph adds itself, and nodes for what it sends, reads, allocates and keeps.
    private static final int OWN_TASKS = 4;
    private static final int OWN_NODES = 64;

    private final Set<Object> different = new HashSet<>();
    private int tasks = OWN_TASKS;
    private int bytes = OWN_TASKS * (BYTES_OF_TASK + MOST_ARGUMENTS * BYTES_OF_ARGUMENT);
    private int nodes = OWN_NODES + OWN_TASKS * (NODES_OF_TASK + MOST_ARGUMENTS);

    private GraphPacking() {}

    /// The launches of every graph, in order. Operands have to have their places, since equal arguments are one node.
    static List<List<Tasks.Entry>> pack(List<Tasks.Entry> entries) {
        List<List<Tasks.Entry>> graphs = new ArrayList<>();
        GraphPacking current = new GraphPacking();
        int begin = 0;
        for (int i = 0; i < entries.size(); i++) {
            List<Object> arguments = arguments(entries.get(i));
            if (!current.takes(arguments)) {
                graphs.add(List.copyOf(entries.subList(begin, i)));
                begin = i;
                current = new GraphPacking();
                current.takes(arguments);
            }
        }
        if (begin < entries.size()) {
            graphs.add(List.copyOf(entries.subList(begin, entries.size())));
        }
        return graphs;
    }

    /// Adds a task if there is room for it.
    private boolean takes(List<Object> arguments) {
        int more = (int) arguments.stream().distinct().filter(argument -> !different.contains(argument)).count();
        int nextBytes = bytes + BYTES_OF_TASK + arguments.size() * BYTES_OF_ARGUMENT;
        int nextNodes = nodes + NODES_OF_TASK + more;
        if (tasks >= MOST_TASKS || nextBytes > MOST_BYTES || nextNodes > MOST_NODES) {
            return false;
        }
        different.addAll(arguments);
        tasks++;
        bytes = nextBytes;
        nodes = nextNodes;
        return true;
    }

    /// The arguments of a task, found by adding it to a graph that only looks: the first of a call is its name, the second the kernel. What
    /// a library's task has in its description counts as if it were as much as possible.
    private static List<Object> arguments(Tasks.Entry entry) {
        List<Object> found = new ArrayList<>();
        TaskGraphInterface looking = (TaskGraphInterface) Proxy.newProxyInstance(TaskGraphInterface.class.getClassLoader(),
                new Class<?>[] {TaskGraphInterface.class}, (proxy, _, call) -> {
                    for (Object argument : Arrays.asList(call).subList(2, call.length)) {
                        if (argument instanceof LibraryTaskDescriptor) {
                            for (int i = 0; i < MOST_ARGUMENTS; i++) {
                                found.add(new Object());
                            }
                        } else {
                            found.add(argument);
                        }
                    }
                    return proxy;
                });
        entry.task().addTo(looking, entry.operation());
        return found;
    }
}
