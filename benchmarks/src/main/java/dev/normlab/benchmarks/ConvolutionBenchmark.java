package dev.normlab.benchmarks;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
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

/// The three kernels of a 3x3 convolution with padding 1, as the engine runs them, on the layer sizes of VGG and ResNet for CIFAR images.
///
/// One invocation is a batch of 128 images: `2 * 128 * c * o * 9 * (side/stride)²` floating-point operations.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-XX:+UseParallelGC"})
public class ConvolutionBenchmark {

    private static final int BATCH = 128;

    /// Input channels, output channels, side of the input, stride.
    @Param({"3-64-32-1", "64-64-32-1", "64-128-32-2", "128-128-16-1", "256-256-8-1", "512-512-4-1", "512-512-2-1"})
    public String layer = "";

    /// The backend, as on the command line.
    @Param("cpu")
    public String device = "";

    /// Size of the team of threads.
    @Param("1")
    public int threads;

    private @Nullable Prepared prepared;

    private record Prepared(Device device, Conv2dSizes sizes, Tensor x, Tensor weight, Tensor dOut) {}

    @Setup
    public void setUp() {
        prepared = prepare(layer, device, threads);
    }

    @TearDown
    public void tearDown() {
        prepared().device.close();
    }

    @Benchmark
    public float forward() {
        return run(Opcode.CONV2D, prepared().sizes.outputShape(), prepared().x, prepared().weight);
    }

    @Benchmark
    public float backwardInput() {
        return run(Opcode.CONV2D_BACKWARD_INPUT, prepared().sizes.inputShape(), prepared().dOut, prepared().weight);
    }

    @Benchmark
    public float backwardWeight() {
        return run(Opcode.CONV2D_BACKWARD_WEIGHT, prepared().sizes.weightShape(), prepared().x, prepared().dOut);
    }

    private Prepared prepared() {
        return Objects.requireNonNull(prepared, "setUp comes first");
    }

    private float run(Opcode opcode, Shape output, Tensor a, Tensor b) {
        try (EagerExecutor executor = new EagerExecutor(prepared().device)) {
            @Nullable Tensor[] inputs = opcode == Opcode.CONV2D ? new @Nullable Tensor[] {a, b, null} : new @Nullable Tensor[] {a, b};
            return executor.run(opcode, prepared().sizes, TensorSpec.floats(output), inputs).storage().floats()[0];
        }
    }

    private static Prepared prepare(String layer, String device, int threads) {
        int[] numbers = Arrays.stream(layer.split("-", -1)).mapToInt(Integer::parseInt).toArray();
        Shape input = Shape.of(BATCH, numbers[0], numbers[2], numbers[2]);
        Conv2dSizes sizes = Convolution.sizes(input, Shape.of(numbers[1], numbers[0], 3, 3), Conv2dGeometry.of(numbers[3], 1));
        Device opened = Device.open(device, threads);
        RandomStream random = RandomStream.of(1, "benchmark");
        return new Prepared(opened, sizes, activation(opened, sizes.inputShape(), random), plain(sizes.weightShape(), random),
                activation(opened, sizes.outputShape(), random));
    }

    /// A tensor of normal numbers in the layout in which the backend keeps activations, so that no repack is measured.
    private static Tensor activation(Device device, Shape shape, RandomStream random) {
        Tensor tensor = Tensor.of(device.pool().take(TensorSpec.floats(shape).dtype(), shape, device.kernels().activationLayout(shape)));
        tensor.set(plain(shape, random).toArray());
        return tensor;
    }

    private static Tensor plain(Shape shape, RandomStream random) {
        float[] values = new float[shape.elements()];
        random.fillNormal(values, 0, 1);
        return Tensor.of(shape, values);
    }
}
