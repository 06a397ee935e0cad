package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;

/// Graphs are as long as TornadoVM's tables allow, and no longer.
class GraphPackingTest {

    private final KernelContext context = new KernelContext();

    static void none(KernelContext context, int a) {}

    static void many(KernelContext context, int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m,
            int n, int o, int p, int q, int r, int s) {}

    static void eight(KernelContext context, int a, int b, int c, int d, int e, int f, int g) {}

    private static List<Integer> sizes(List<Tasks.Entry> entries) {
        List<List<Tasks.Entry>> graphs = GraphPacking.pack(entries);
        assertEquals(entries, graphs.stream().flatMap(List::stream).toList(), "the launches are no longer all there, in their order");
        return graphs.stream().map(List::size).toList();
    }

    private static List<Tasks.Entry> entries(int count, IntFunction<Tasks.Task> task) {
        return new ArrayList<>(IntStream.range(0, count).mapToObj(i -> new Tasks.Entry("op", Tasks.grid(1), task.apply(i))).toList());
    }

    @Test
    void nothingIsNoGraph() {
        assertEquals(List.of(), sizes(List.of()));
    }

    @Test
    void tasksOfFewArgumentsFillTheTableOfTasks() {
        assertEquals(List.of(252, 48), sizes(entries(300, _ -> (graph, id) -> graph.task(id, GraphPackingTest::none, context, 1))));
    }

    @Test
    void equalArgumentsFillTheBytes() {
        // (8,192 - 4 * 115) / 115 tasks of twenty arguments
        assertEquals(List.of(67, 67, 1), sizes(entries(135, _ -> (graph, id) -> graph.task(id, GraphPackingTest::many, context, 1, 1, 1, 1,
                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))));
    }

    @Test
    void differentArgumentsFillTheNodes() {
        // (1,024 - 64 - 4 * 23 - 1) / 10 tasks, each with seven numbers of its own
        assertEquals(List.of(86, 14), sizes(entries(100, i -> (graph, id) -> graph.task(id, GraphPackingTest::eight, context, 7 * i,
                7 * i + 1, 7 * i + 2, 7 * i + 3, 7 * i + 4, 7 * i + 5, 7 * i + 6))));
    }

    @Test
    void argumentsInTheDescriptionOfALibrarysTaskCount() {
        LibraryTaskDescriptor product = new LibraryTaskDescriptor();
        // (1,024 - 64 - 4 * 23) / 23
        assertEquals(List.of(37, 3), sizes(entries(40, _ -> (graph, id) -> graph.libraryTask(id, described -> described, product))));
    }
}
