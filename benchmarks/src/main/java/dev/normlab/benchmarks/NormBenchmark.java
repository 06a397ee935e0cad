package dev.normlab.benchmarks;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PeakProbe;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import java.util.Arrays;
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

/// The exact l1 and linf norms of one convolution on 32x32 images, from its weights, and their limit: one read of the weights.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-XX:+UseParallelGC"})
public class NormBenchmark {

    private static final int CHUNK = 1 << 16;

    /// Input channels, output channels, kernel size: those of the paper's speed test.
    @Param({"32-32-3", "32-128-3", "128-256-3", "256-512-3", "256-128-5", "512-256-5"})
    public String layer = "";

    /// Size of the team of threads.
    @Param("1")
    public int threads;

    private @Nullable Prepared prepared;

    private record Prepared(Device device, Storage weight, SliceNormSizes l1, SliceNormSizes linf, PeakProbe probe) {}

    @Setup
    public void setUp() {
        int[] numbers = Arrays.stream(layer.split("-", -1)).mapToInt(Integer::parseInt).toArray();
        int kernel = numbers[2];
        Conv2dSizes sizes = Convolution.sizes(Shape.of(1, numbers[0], 32, 32), Shape.of(numbers[1], numbers[0], kernel, kernel),
                Conv2dGeometry.of(1, kernel / 2));
        float[] weight = new float[sizes.weightShape().elements()];
        RandomStream.of(1, "benchmark").fillNormal(weight, 0, 1);
        prepared = new Prepared(Device.cpu(threads), Tensor.of(sizes.weightShape(), weight).storage(),
                ConvolutionNorms.slices(sizes, Norm.L1),
                ConvolutionNorms.slices(sizes, Norm.LINF), PeakProbe.find().orElseThrow());
    }

    @TearDown
    public void tearDown() {
        prepared().device.close();
    }

    @Benchmark
    public double l1() {
        return ConvolutionNorms.norm(prepared().l1, prepared().weight, prepared().device).norm();
    }

    @Benchmark
    public double linf() {
        return ConvolutionNorms.norm(prepared().linf, prepared().weight, prepared().device).norm();
    }

    /// The limit.
    @Benchmark
    public float read() {
        float[] values = prepared().weight.floats();
        int chunks = (values.length + CHUNK - 1) / CHUNK;
        float[] sums = new float[chunks];
        prepared().device.workers().run(chunks,
                (chunk, worker) -> sums[chunk] = prepared().probe.read(values, chunk * CHUNK,
                        Math.min(values.length, (chunk + 1) * CHUNK)));
        return sums[0];
    }

    private Prepared prepared() {
        return Objects.requireNonNull(prepared, "setUp comes first");
    }
}
