package dev.normlab.benchmarks;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;

/// The exact l1 and linf norms of one convolution on 32x32 images, from its weights. The limit is one read of the weights.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-XX:+UseParallelGC"})
public class NormBenchmark {

    /// Input channels, output channels, kernel size.
    @Param({"32-32-3", "128-256-3", "256-512-3", "512-256-5"})
    public String layer = "";

    /// `l1` or `linf`.
    @Param({"l1", "linf"})
    public String norm = "";

    private SliceNormSizes slices = ConvolutionNorms.linearSlices(1, 1, Norm.L1);
    private float[] weight = {1};

    @Setup
    public void setUp() {
        int[] numbers = Arrays.stream(layer.split("-", -1)).mapToInt(Integer::parseInt).toArray();
        int kernel = numbers[2];
        Conv2dSizes sizes = Convolution.sizes(Shape.of(1, numbers[0], 32, 32), Shape.of(numbers[1], numbers[0], kernel, kernel),
                Conv2dGeometry.of(1, kernel / 2));
        slices = ConvolutionNorms.slices(sizes, Norm.parse(norm));
        weight = new float[sizes.weightShape().elements()];
        RandomStream.of(1, "benchmark").fillNormal(weight, 0, 1);
    }

    @Benchmark
    public double exact() {
        return ConvolutionNorms.norm(slices, weight).norm();
    }
}
