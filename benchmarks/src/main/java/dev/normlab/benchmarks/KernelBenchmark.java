package dev.normlab.benchmarks;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.KernelRunner;
import dev.normlab.nn.model.ModelSpec;
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

/// Any operation of a network as `normlab bench kernels --all` lists it, by its name: `-p model=vgg11 -p kernel="max pool 2x2 stride 2
/// [128, 64, 32, 32]"`.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-XX:+UseParallelGC"})
public class KernelBenchmark {

    private static final int BATCH = 128;

    /// The network.
    @Param("resnet18")
    public String model = "";

    /// The operation's name on batches of 128 images.
    @Param({"conv 3x3 64->64 @32x32 forward + statistics", "conv 3x3 64->64 @32x32 dx", "conv 3x3 64->64 @32x32 dw",
        "conv 1x1 64->128 stride 2 @32x32 forward + statistics",
        "batch norm eval relu [128, 64, 32, 32]", "batch norm train relu backward [128, 64, 32, 32]",
        "adaptive average pool [128, 512, 4, 4]", "gemm 128x512 * 512x10t", "cross entropy [128, 10]", "sgd [512, 512, 3, 3]"})
    public String kernel = "";

    /// How convolutions are computed: `exact` or `fast`.
    @Param("exact")
    public String conv = "";

    /// Size of the team of threads.
    @Param("1")
    public int threads;

    private @Nullable Device device;
    private @Nullable KernelRunner runner;

    @Setup
    public void setUp() {
        device = Device.open("cpu", threads, ConvolutionMode.of(conv));
        runner = KernelRunner.of(device, ModelSpec.parse(model), BATCH, kernel);
    }

    @TearDown
    public void tearDown() {
        Objects.requireNonNull(runner).close();
        Objects.requireNonNull(device).close();
    }

    @Benchmark
    public void run() {
        Objects.requireNonNull(runner, "setUp comes first").run();
    }
}
