package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What crosses between host and device, and when.
class TornadoProgramTest {

    private static final Shape HUNDRED = Shape.of(100);

    /// target += factor * feed; fetches the product of target and feed.
    private static CompiledProgram accumulating(Device device, Tensor target, Tensor factor) {
        Recorder recorder = new Recorder(device);
        Tensor feed = recorder.feed("x", TensorSpec.floats(HUNDRED));
        recorder.update(Opcode.ADD_SCALED, null, List.of(target), feed, factor);
        recorder.fetch("product", product(recorder, target, feed));
        return CompiledProgram.of(recorder.program(), device);
    }

    private static Tensor product(Recorder recorder, Tensor a, Tensor b) {
        BroadcastSizes sizes = new BroadcastSizes(BinaryFunction.MULTIPLY, HUNDRED, HUNDRED, HUNDRED);
        return recorder.run(Opcode.BINARY, sizes, TensorSpec.floats(HUNDRED), a, b);
    }

    private static Tensor filled(float value) {
        return Tensor.full(value, 100);
    }

    @Test
    void stateStaysOnTheDeviceAndComesBackWhenAskedFor() {
        try (Device device = Gpu.open()) {
            Tensor target = filled(1f), factor = Tensor.scalar(2f);
            try (CompiledProgram program = accumulating(device, target, factor)) {
                for (int i = 1; i <= 3; i++) {
                    float product = program.replay(Map.of("x", filled(10f))).get("product").toArray()[99];
                    assertEquals((1 + 20 * i) * 10f, product);
                }
                assertSame(program, target.storage().newerContents(), "the host has asked for nothing yet");
                assertArrayEquals(filled(61f).toArray(), target.toArray());
                assertNull(target.storage().newerContents());
            }
        }
    }

    @Test
    void whatTheHostChangesIsSentAgain() {
        try (Device device = Gpu.open()) {
            Tensor target = filled(1f), factor = Tensor.scalar(1f);
            try (CompiledProgram program = accumulating(device, target, factor)) {
                program.replay(Map.of("x", filled(1f)));
                factor.set(10f); // a scalar
                program.replay(Map.of("x", filled(1f)));
                assertEquals(12f, target.toArray()[0]);
                target.set(filled(100f).toArray()); // state
                program.replay(Map.of("x", filled(1f)));
                assertEquals(110f, target.toArray()[0]);
            }
        }
    }

    @Test
    void programsHandStateToEachOtherAndClosingLosesNothing() {
        try (Device device = Gpu.open()) {
            Tensor target = filled(0f), factor = Tensor.scalar(1f);
            CompiledProgram first = accumulating(device, target, factor);
            CompiledProgram second = accumulating(device, target, factor);
            first.replay(Map.of("x", filled(1f)));
            second.replay(Map.of("x", filled(10f)));
            first.replay(Map.of("x", filled(100f)));
            first.close();
            second.close();
            assertEquals(111f, target.toArray()[7]);
            first.replay(Map.of("x", filled(1000f)));
            assertEquals(1111f, target.toArray()[7], "a closed program runs again");
            first.close();
        }
    }

    /// A device that fails in the middle of a step leaves half of it: nobody gets that, and whoever replaces all of it goes on.
    @Test
    void whatIsLostIsRefusedUntilTheHostHasReplacedIt() {
        try (Device device = Gpu.open()) {
            Tensor target = filled(1f), factor = Tensor.scalar(2f);
            try (TornadoProgram program = (TornadoProgram) accumulating(device, target, factor)) {
                program.replay(Map.of("x", filled(1f)));
                AcceleratorException failure = new AcceleratorException("out of order");
                assertSame(failure, assertThrows(AcceleratorException.class, () -> program.run(() -> {
                    throw failure;
                })));
                assertThrows(AcceleratorException.class, target::toArray);
                assertThrows(AcceleratorException.class, () -> program.replay(Map.of("x", filled(1f))));
                target.set(filled(5f).toArray());
                assertEquals(5f, target.toArray()[0]);
                program.replay(Map.of("x", filled(10f)));
                assertEquals(25f, target.toArray()[99]);
            }
        }
    }

    @Test
    void aFeedThatIsUpdatedIsUpdatedForTheHostToo() {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            Tensor feed = recorder.feed("x", TensorSpec.floats(HUNDRED));
            recorder.update(Opcode.ADD_SCALED, null, List.of(feed), filled(3f), Tensor.scalar(2f));
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                Tensor given = filled(1f);
                program.replay(Map.of("x", given));
                assertArrayEquals(filled(7f).toArray(), given.toArray());
            }
        }
    }

    @Test
    void heldValuesStayBetweenTheStagesAndAreSeenToBeFiniteOrNot() {
        try (Device device = Gpu.open()) {
            Tensor weight = filled(2f), target = filled(0f), factor = Tensor.scalar(1f);
            Recorder first = new Recorder(device);
            Tensor x = first.feed("x", TensorSpec.floats(HUNDRED));
            first.fetch("gradient", product(first, x, weight));
            first.fetch("seen", product(first, x, x));
            Recorder second = new Recorder(device);
            second.update(Opcode.ADD_SCALED, null, List.of(target), second.feed("gradient", TensorSpec.floats(HUNDRED)), factor);
            ProgramCompiler compiler = (ProgramCompiler) device.accelerator();
            try (StagedProgram program = compiler.compile(first.program(), second.program(), device)) {
                Map<String, Tensor> results = program.replay(Map.of("x", filled(3f)));
                assertEquals(List.of("seen"), List.copyOf(results.keySet()));
                assertEquals(9f, results.get("seen").toArray()[0]);
                assertTrue(program.heldIsFinite());
                assertEquals(0f, target.toArray()[0], "the second stage has not run");
                factor.set(10f); // read by the second stage only
                program.finish();
                assertEquals(60f, target.toArray()[99]);

                Tensor broken = filled(1f);
                float[] values = broken.toArray();
                for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    values[97] = bad;
                    broken.set(values);
                    program.replay(Map.of("x", broken));
                    assertFalse(program.heldIsFinite(), bad + "");
                    assertEquals(2 * bad, program.held().get("gradient").toArray()[97]);
                }
                assertEquals(60f, target.toArray()[99]);
            }
        }
    }

    @Test
    void aResidentThatIsOnlyFetchedArrives() {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            recorder.fetch("scalar", Tensor.scalar(5f));
            recorder.fetch("large", filled(6f));
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                Map<String, Tensor> results = program.replay(Map.of());
                assertEquals(5f, results.get("scalar").item());
                assertEquals(6f, results.get("large").toArray()[99]);
            }
        }
    }

    /// A permutation has more arguments than almost all tasks: TornadoVM has 8,192 bytes for a graph's tasks, and 75 of these exceed them.
    /// The graph in the middle neither takes nor gives anything.
    @Test
    void longProgramsOfTasksWithManyArgumentsAreSplit() {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            Tensor x = recorder.feed("x", TensorSpec.floats(Shape.of(2, 3, 5, 7)));
            Tensor y = x;
            for (int i = 0; i < 201; i++) { // a multiple of four, and one; in three graphs
                int[] s = y.shape().toArray();
                y = recorder.run(Opcode.PERMUTE, new Permutation(List.of(1, 2, 3, 0)), TensorSpec.floats(Shape.of(s[1], s[2], s[3], s[0])),
                        y);
            }
            recorder.fetch("turned", y);
            Tensor given = Samples.uniform(1, 0f, 1f, 2, 3, 5, 7);
            float[] expected = new float[given.shape().elements()];
            for (int i = 0; i < expected.length; i++) {
                expected[i % 105 * 2 + i / 105] = given.toArray()[i]; // [2, 105] transposed
            }
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                assertArrayEquals(expected, program.replay(Map.of("x", given)).get("turned").toArray());
            }
        }
    }

    /// As [GraphPacking] has it: more tasks than a graph's table holds, of few arguments.
    @Tag("slow")
    @Test
    void programsOfManySmallTasksAreSplit() {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            Tensor y = recorder.feed("x", TensorSpec.floats(HUNDRED));
            for (int i = 0; i < 300; i++) {
                y = recorder.run(Opcode.RESHAPE, null, TensorSpec.floats(i % 2 == 0 ? Shape.of(10, 10) : HUNDRED), y);
            }
            recorder.fetch("same", y);
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                assertArrayEquals(filled(3f).toArray(), program.replay(Map.of("x", filled(3f))).get("same").toArray());
            }
        }
    }

    /// Every different number among the arguments is a node of TornadoVM's graph, and there are 1,024.
    @Tag("slow")
    @Test
    void programsOfManyDifferentNumbersAreSplit() {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            Map<String, Tensor> feeds = new LinkedHashMap<>();
            for (int i = 0; i < 120; i++) {
                int[] shape = {2, 3 + i % 7, 5 + i % 11, 7 + i};
                feeds.put("x" + i, Samples.uniform(i, 0f, 1f, shape));
                Tensor x = recorder.feed("x" + i, TensorSpec.floats(Shape.of(shape)));
                recorder.fetch("y" + i, recorder.run(Opcode.PERMUTE, new Permutation(List.of(3, 2, 1, 0)),
                        TensorSpec.floats(Shape.of(shape[3], shape[2], shape[1], shape[0])), x));
            }
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                Map<String, Tensor> turned = program.replay(feeds);
                feeds.forEach((name, x) -> {
                    int[] s = x.shape().toArray();
                    float[] given = x.toArray(), found = Objects.requireNonNull(turned.get("y" + name.substring(1))).toArray();
                    for (int j = 0; j < given.length; j++) {
                        int last = j % s[3], third = j / s[3] % s[2], second = j / s[3] / s[2] % s[1], first = j / s[3] / s[2] / s[1];
                        assertEquals(given[j], found[((last * s[2] + third) * s[1] + second) * s[0] + first], name);
                    }
                });
            }
        }
    }

    /// Updates of running statistics that nobody else looks at wait for the end of the step. One layer is updated twice, one is read
    /// behind its update, and what one takes in changes later: all must end as if every update came in its turn.
    @Test
    void runningStatisticsEndAsIfUpdatedInTheirTurn() {
        try (Device gpu = Gpu.open(); Device scalar = Device.scalar(1)) {
            List<float[]> expected = runningStatistics(scalar), actual = runningStatistics(gpu);
            assertEquals(expected.size(), actual.size());
            for (int i = 0; i < expected.size(); i++) {
                assertArrayEquals(expected.get(i), actual.get(i), 1e-6f, "result " + i);
            }
        }
    }

    private static List<float[]> runningStatistics(Device device) {
        Recorder recorder = new Recorder(device);
        Tensor x = recorder.feed("x", TensorSpec.floats(HUNDRED)), y = recorder.feed("y", TensorSpec.floats(HUNDRED));
        List<Tensor> running = Stream.generate(() -> filled(1f)).limit(12).toList();
        RunningStatistics tenth = new RunningStatistics(10, .1f), quarter = new RunningStatistics(7, .25f);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, tenth, running.subList(0, 2), x, y);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, tenth, running.subList(2, 4), y, x);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, quarter, running.subList(4, 6), x, x);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, tenth, running.subList(6, 8), x, y);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, quarter, running.subList(6, 8), y, x);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, tenth, running.subList(8, 10), x, y);
        recorder.fetch("read", product(recorder, running.get(8), y));
        Tensor changed = product(recorder, x, y);
        recorder.update(Opcode.UPDATE_RUNNING_STATISTICS, tenth, running.subList(10, 12), changed, y);
        recorder.update(Opcode.ADD_SCALED, null, List.of(changed), x, Tensor.scalar(3f));
        recorder.fetch("changed", changed);
        List<float[]> results = new ArrayList<>();
        try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
            for (int step = 0; step < 2; step++) {
                Map<String, Tensor> fetched = program.replay(Map.of("x", Samples.uniform(1 + step, 0f, 1f, 100), "y",
                        Samples.uniform(3 + step, 0f, 1f, 100)));
                results.add(fetched.get("read").toArray());
                results.add(fetched.get("changed").toArray());
            }
            running.forEach(each -> results.add(each.toArray()));
        }
        return results;
    }

    @Test
    void wrongFeedsAreRefused() {
        try (Device device = Gpu.open(); CompiledProgram program = accumulating(device, filled(0f), Tensor.scalar(1f))) {
            assertTrue(assertThrows(IllegalArgumentException.class, () -> program.replay(Map.of())).getMessage()
                    .contains("'x' is float32[100]"));
            assertTrue(assertThrows(IllegalArgumentException.class, () -> program.replay(Map.of("x", Tensor.zeros(3)))).getMessage()
                    .contains("got float32[3]"));
            assertTrue(assertThrows(IllegalArgumentException.class, () -> program.replay(Map.of("x", filled(0f), "y", filled(0f))))
                    .getMessage()
                    .contains("no feed 'y'"));
        }
    }

    @Test
    void aPlaceThatIsNotThereIsRefused() {
        try (Device device = Gpu.open()) {
            assertTrue(device.accelerator().describe().contains("TornadoVM"));
            String message = assertThrows(IllegalArgumentException.class, () -> Device.open("gpu:999", 1)).getMessage();
            assertTrue(message.contains("no gpu:999"), message);
        }
    }

    @Test
    void aChangeOfTheHostBetweenTheStagesIsAnError() {
        try (Device device = Gpu.open()) {
            Tensor target = filled(1f), factor = Tensor.scalar(1f);
            Recorder forward = new Recorder(device);
            Tensor feed = forward.feed("x", TensorSpec.floats(HUNDRED));
            forward.fetch("product", product(forward, target, feed));
            Recorder update = new Recorder(device);
            update.update(Opcode.ADD_SCALED, null, List.of(target), update.feed("product", TensorSpec.floats(HUNDRED)), factor);
            ProgramCompiler compiler = (ProgramCompiler) device.accelerator();
            try (StagedProgram program = compiler.compile(forward.program(), update.program(), device)) {
                program.replay(Map.of("x", filled(2f)));
                target.set(filled(5f).toArray());
                assertTrue(assertThrows(IllegalStateException.class, program::finish).getMessage().contains("between the two stages"));
            }
        }
    }

    /// TornadoVM gives a process 4 GiB unless told otherwise; each of these programs takes about 400 MB.
    @Tag("slow")
    @Test
    void closedProgramsGiveTheirMemoryBack() {
        int n = 1 << 25;
        try (Device device = Gpu.open()) {
            Tensor target = Tensor.zeros(n), factor = Tensor.scalar(1f), one = Tensor.full(1f, n);
            for (int i = 1; i <= 16; i++) {
                Recorder recorder = new Recorder(device);
                recorder.update(Opcode.ADD_SCALED, null, List.of(target), one, factor);
                try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                    program.replay(Map.of());
                }
                assertEquals(i, target.toArray()[n - 1]);
            }
        }
    }
}
