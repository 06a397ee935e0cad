package dev.normlab.benchmarks;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.SyntheticDataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.Evaluator;
import dev.normlab.nn.train.TrainingStep;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// A training step (forward, backward, SGD with momentum) and inference of a network on 128 images: the trainer's own step, as `normlab
/// bench step` times it.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 5)
@Measurement(iterations = 5, time = 5)
@Fork(value = 1,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-XX:+UseParallelGC", "-Xmn32m", "-XX:Tier4MinInvocationThreshold=20"})
public class StepBenchmark {

    private static final int BATCH = 128;

    /// The network.
    @Param({"vgg11", "resnet18", "senet18", "regnetx200mf"})
    public String model = "";

    /// How convolutions are computed: `exact` or `fast`.
    @Param({"exact", "fast"})
    public String conv = "";

    /// Size of the team of threads.
    @Param("2")
    public int threads;

    private @Nullable Prepared prepared;

    private record Prepared(Device device, TrainingStep step, Tensor images, Tensor labels, Evaluator evaluator, Dataset data) {}

    @Setup
    public void setUp() {
        Device device = Device.open("cpu", threads, ConvolutionMode.of(conv));
        Dataset data = SyntheticDataset.generate(new SyntheticDataset.Config(32, BATCH, 10, 0, 1)).train();
        Layer network = Models.create(ModelSpec.parse(model), 0);
        TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), new Sgd(network, SgdOptions.of(0.01, 0.9, 0)), List.of(),
                device);
        Batch batch;
        try (BatchLoader.Epoch epoch = BatchLoader.plain(data, BATCH).epoch(0)) {
            batch = epoch.next();
        }
        prepared = new Prepared(device, step, batch.imageTensor(), batch.labelTensor(), new Evaluator(network, BATCH, device), data);
    }

    @TearDown
    public void tearDown() {
        Prepared all = prepared();
        all.evaluator.close();
        all.step.close();
        all.device.close();
    }

    @Benchmark
    public float training() {
        return prepared().step.run(prepared().images, prepared().labels).loss();
    }

    @Benchmark
    public double inference() {
        return prepared().evaluator.evaluate(prepared().data).loss();
    }

    private Prepared prepared() {
        return Objects.requireNonNull(prepared, "setUp comes first");
    }
}
