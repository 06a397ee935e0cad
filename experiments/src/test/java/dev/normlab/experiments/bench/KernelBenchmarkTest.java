package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PeakProbe;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.experiments.bench.KernelBenchmark.Result;
import dev.normlab.experiments.bench.KernelBenchmark.Row;
import dev.normlab.nn.model.ModelSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class KernelBenchmarkTest {

    private static final long SMALL_CACHE = 1 << 18;

    @Test
    void everyOperationOfTheNetworksIsMeasuredAsOftenAsItOccurs() {
        Result result = measure("", ModelSpec.parse("vgg11:width=0.125"));
        Row first = result.rows().stream().filter(row -> row.name().startsWith("conv 3x3 3->8 @32x32 forward") && !row.training().isEmpty())
                .findFirst().orElseThrow();
        assertEquals(2.0 * 2 * 8 * 32 * 32 * 3 * 9, first.work().operations());
        assertEquals(1, first.training().get("vgg11"));
        Row inference = result.rows().stream()
                .filter(row -> row.name().startsWith("conv 3x3 3->8 @32x32 forward") && !row.inference().isEmpty())
                .findFirst().orElseThrow();
        assertEquals(1, inference.inference().get("vgg11"));
        assertEquals(first.work().operations(), inference.work().operations());
        Row twice = row(result, "conv 3x3 64->64 @2x2 dw");
        assertEquals(2, twice.training().get("vgg11"));
        assertTrue(twice.inference().isEmpty());
        List<Row> forward = result.rows().stream().filter(row -> row.name().contains("forward")).toList();
        assertEquals(8, forward.stream().mapToInt(row -> row.training().getOrDefault("vgg11", 0)).sum(), "VGG11 has eight convolutions");
        assertEquals(8, forward.stream().mapToInt(row -> row.inference().getOrDefault("vgg11", 0)).sum());
        assertTrue(forward.stream().allMatch(row -> row.algorithm().equals(Optional.of(ConvolutionAlgorithm.DIRECT))));
        assertTrue(result.rows().stream().anyMatch(row -> row.opcode().equals("SGD")));
        for (Row row : result.rows()) {
            assertTrue(row.seconds() > 0 && Double.isFinite(row.rate()), row.name());
        }
        assertTrue(result.sum("vgg11", true) > result.sum("vgg11", false));
        double step = result.rows().stream().mapToDouble(row -> row.seconds() * row.training().getOrDefault("vgg11", 0)).sum();
        double pass = result.rows().stream().mapToDouble(row -> row.seconds() * row.inference().getOrDefault("vgg11", 0)).sum();
        assertTrue(step > 0 && pass > 0);
        assertEquals(step, result.sum("vgg11", true), 1e-9 * step);
        assertEquals(pass, result.sum("vgg11", false), 1e-9 * pass);
        assertEquals(PeakProbe.find().isPresent(), result.peak().allThreads() > 0);
    }

    @Test
    void theFilterIgnoresCase() {
        Result result = measure("POOL", ModelSpec.parse("vgg11:width=0.125"));
        assertFalse(result.rows().isEmpty());
        assertTrue(result.rows().stream().allMatch(row -> row.name().contains("pool")));
    }

    @Test
    void oneOperationCanBeRunByItsName() {
        ModelSpec model = ModelSpec.parse("vgg11:width=0.125");
        try (Device device = Device.cpu(1); KernelRunner runner = KernelRunner.of(device, model, 2, "cross entropy [2, 10]")) {
            long before = device.calls("CROSS_ENTROPY");
            runner.run();
            runner.run();
            assertEquals(before + 2, device.calls("CROSS_ENTROPY"));
            String message = assertThrows(IllegalArgumentException.class, () -> KernelRunner.of(device, model, 2, "tea")).getMessage();
            assertTrue(message.contains("'tea'") && message.contains("cross entropy [2, 10]"), message);
        }
    }

    @Test
    void workCountsEveryOperandOnceAndTargetsInPlaceTwice() {
        TensorSpec p = TensorSpec.floats(10, 10), scalars = TensorSpec.floats(6);
        KernelWork sgd = KernelWork.of(Opcode.SGD, null, List.of(p, scalars), List.of(p, p));
        assertEquals(new KernelWork(0, 3 * 400 + 24, 800, true), sgd);
        assertEquals(3 * 400 + 24, sgd.footprint());
        KernelWork assign = KernelWork.of(Opcode.ASSIGN, null, List.of(p), List.of(p));
        assertEquals(new KernelWork(0, 400, 400, false), assign);
        KernelWork sum = KernelWork.of(Opcode.CHANNEL_SUM, null, List.of(TensorSpec.floats(4, 8, 2, 2)), List.of(TensorSpec.floats(8)));
        assertFalse(sum.writes());
    }

    @Test
    void setsOfOperandsExceedTheCacheUnlessArithmeticIsCounted() {
        KernelWork relu = KernelWork.of(Opcode.SCALE, 2f, List.of(TensorSpec.floats(1 << 15)), List.of(TensorSpec.floats(1 << 15)));
        assertEquals(16, PreparedKernel.sets(relu, 1 << 20));
        KernelWork product = new KernelWork(1e6, 1 << 20, 1 << 20, false);
        assertEquals(1, PreparedKernel.sets(product, 1 << 20));
    }

    @Test
    void onAnAcceleratorEveryOperationRunsInAProgramOnceAndNineTimes() {
        ModelSpec model = ModelSpec.parse("vgg11:width=0.125");
        InterpretingAccelerator accelerator = new InterpretingAccelerator();
        List<String> told = new ArrayList<>();
        Result result;
        try (Device device = Device.accelerated(accelerator, 1)) {
            result = new KernelBenchmark(List.of(model), 2, 3, SMALL_CACHE, 1000).run(device, "", told::add);
        }
        List<StepProgram> programs = accelerator.compiled();
        assertEquals(2 * (1 + result.rows().size()), programs.size(), "two of each, and of copying");
        assertEquals(programs.size(), accelerator.closed());
        for (int i = 0; i < programs.size(); i += 2) {
            assertEquals(1, programs.get(i).operations().size());
            assertEquals(9, programs.get(i + 1).operations().size());
            assertEquals(9, programs.get(i + 1).operations().stream().mapToInt(operation -> operation.outputs()[0]).distinct().count(),
                    "each has results of its own");
            List<Operation> operations = programs.get(i + 1).operations();
            assertEquals(1, operations.stream().map(operation -> Arrays.toString(operation.inputs())).distinct().count());
        }
        assertTrue(result.rows().stream().anyMatch(row -> row.opcode().equals("BATCH_NORM_TRAIN_RELU_BACKWARD")), "operations are fused");
        Row convolution = row(result, "conv 3x3 64->64 @2x2 dw");
        assertEquals(2, convolution.training().get("vgg11"));
        assertEquals(convolution.seconds() > 0, convolution.share() > 0, "its share of the given peak");
        assertEquals(convolution.rate() / 1000, convolution.share(), 1e-12);
        assertEquals(1 + result.rows().size(), told.size());
    }

    @Test
    void whatAnAcceleratorRefusesIsNamedAndTheOthersAreTimed() {
        ModelSpec model = ModelSpec.parse("vgg11:width=0.125");
        InterpretingAccelerator accelerator = new InterpretingAccelerator();
        accelerator.refuse(Opcode.MAX_POOL);
        Result result;
        try (Device device = Device.accelerated(accelerator, 1)) {
            result = new KernelBenchmark(List.of(model), 2, 1, SMALL_CACHE, 0).run(device, "pool", _ -> {
            });
        }
        assertEquals(5, result.failures().size(), "VGG11 has five poolings: " + result.failures());
        assertTrue(result.failures().getFirst().startsWith("max pool 2x2 stride 2 [2, 8, 32, 32]: no MAX_POOL here"),
                result.failures().getFirst());
        assertEquals(5, result.rows().stream().filter(row -> row.opcode().equals("MAX_POOL_BACKWARD")).count());
        assertEquals(accelerator.compiled().size(), accelerator.closed(), "also what was compiled before the refusal");
    }

    private static Result measure(String filter, ModelSpec model) {
        List<String> told = new ArrayList<>();
        try (Device device = Device.cpu(2)) {
            Result result = new KernelBenchmark(List.of(model), 2, 1, SMALL_CACHE, 0).run(device, filter, told::add);
            assertFalse(told.isEmpty());
            return result;
        }
    }

    private static Row row(Result result, String name) {
        return result.rows().stream().filter(row -> row.name().equals(name)).findFirst()
                .orElseThrow(() -> new AssertionError(name + " is not among " + result.rows().stream().map(Row::name).toList()));
    }
}
