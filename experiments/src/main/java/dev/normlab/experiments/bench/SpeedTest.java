package dev.normlab.experiments.bench;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.experiments.stats.Sample;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.spectral.CircularConvolution;
import dev.normlab.lip.spectral.ConvolutionOperator;
import dev.normlab.lip.spectral.ConvolutionSpectrum;
import dev.normlab.lip.spectral.LargestSingularValue;
import dev.normlab.lip.spectral.PowerIteration;
import dev.normlab.lip.spectral.SvdMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;

/// The efficiency study of Liang & Huang (AAAI 2021): the time of l1 and linf norms beside that of power iteration and of the spectrum that
/// singular value clipping needs, for six kernel sizes on 32x32 images.
///
/// All are taken of one layer: the convolution with padding to the same size and Gaussian weights. The spectrum is that of the circular
/// convolution, as clipping uses it, and so not of quite the same matrix; power iteration and the exact norms are of the zero-padded layer
/// itself. (The published study compares an unpadded convolution with a circular one, and its power iteration never stops before its cap of
/// 502 steps.)
public final class SpeedTest {

    private static final int SIDE = 32;
    private static final double TOLERANCE = 1e-6;
    /// Additions that brute force may take: a few seconds.
    private static final long MOST_ADDITIONS = 400_000_000L;
    // Long enough for the compiler: kernels of a new size are compiled anew.
    private static final double WARMUP_SECONDS = 1;
    private static final double FAST_SECONDS = 0.2;
    private static final int MOST_REPEATS = 2000;
    // A run so long that compiling is little beside it.
    private static final double COUNTED_SECONDS = 5;
    /// Of an estimate: steps of power iteration, and the smaller image of the spectrum.
    private static final int TRIED_STEPS = 3;
    private static final double TRIED_SECONDS = 2;
    private static final int TRIED_RUNS = 4;
    private static final int TRIED_SIDE = 8;
    /// Of exact norms on a GPU.
    private static final int GPU_ROUNDS = 50;

    private final List<NormBenchmark.Size> sizes;
    private final Repeats repeats;
    private final SvdMethod svd;
    private final long seed;

    /// How often a method is timed.
    ///
    /// @param count       of slow methods; fast ones are repeated for a fifth of a second, at most 2000 times
    /// @param mostSeconds after warming up, no run but the first begins that would end later
    public record Repeats(int count, double mostSeconds) {

        /// What a reader with a few minutes wants.
        public static final Repeats DEFAULT = new Repeats(5, 10);
        /// The published study's: every method 100 times, however long that takes.
        public static final Repeats PAPER = new Repeats(100, Double.POSITIVE_INFINITY);

        /// How long a method takes altogether of which one run takes so long.
        ///
        /// @param once seconds
        public double seconds(double once) {
            double run = Math.max(once, 1e-9);
            double measured = isFast(run)
                    ? Math.max(count, Math.min(MOST_REPEATS, Math.ceil(FAST_SECONDS / run)))
                    : Math.clamp(Math.ceil(mostSeconds / run) - 1, 1, count);
            return run * ((isCounted(run) ? 0 : Math.ceil(WARMUP_SECONDS / run)) + measured);
        }

        boolean isFast(double once) {
            return count * once < FAST_SECONDS;
        }

        /// Whether a method needs no warming up.
        static boolean isCounted(double once) {
            return once > COUNTED_SECONDS;
        }
    }

    /// What is timed.
    public enum Method {
        /// The exact l1 norm.
        L1("l1"),
        /// The exact linf norm.
        LINF("linf"),
        /// Lanczos for the largest singular value, to 1e-3, the search for its start included.
        LANCZOS("Lanczos"),
        /// Power iteration, until the estimate changes by less than 1e-6, at most 500 steps.
        POWER("power"),
        /// Power iteration as published: its gradients pile up, and it runs into its cap.
        POWER_PUBLISHED("power (published)"),
        /// All singular values of the circular convolution.
        SVC("SVC spectrum"),
        /// The exact l1 norm on a GPU: its kernels and their launches, without starting a program.
        GPU_L1("l1, GPU"),
        /// The exact linf norm on a GPU.
        GPU_LINF("linf, GPU"),
        /// Power iteration on a GPU, whose estimate comes back after every step.
        GPU_POWER("power, GPU");

        private final String label;

        Method(String label) {
            this.label = label;
        }

        /// The name in tables.
        public String label() {
            return label;
        }

        /// Whether [Repeats] say how often it is timed.
        boolean isRepeated() {
            return this != GPU_L1 && this != GPU_LINF;
        }

        /// The methods that a device has: those of the CPU, and others beside them if there is a GPU.
        static List<Method> of(Device device) {
            return Arrays.stream(values()).filter(method -> device.accelerator() != null || method.compareTo(SVC) <= 0).toList();
        }
    }

    /// A method's times and what it found.
    ///
    /// @param seconds of every repeat
    /// @param value   the norm, or the largest singular value
    /// @param steps   of an iteration; 0 for other methods
    public record Timing(Sample seconds, double value, int steps) {}

    /// What brute force finds: the largest absolute column and row sum, added up place by place. NaN where it takes too long.
    public record BruteForce(double l1, double linf) {}

    /// One kernel size.
    public record Row(NormBenchmark.Size size, Map<Method, Timing> timings, BruteForce truth) {

        /// The median time of a method as a multiple of that of the l1 norm.
        public double timesL1(Method method) {
            return median(method) / median(Method.L1);
        }

        /// Median seconds.
        public double median(Method method) {
            return of(method).seconds().median();
        }

        /// The methods that were timed, in their order.
        public List<Method> methods() {
            return List.copyOf(timings.keySet());
        }

        /// The times of a method.
        public Timing of(Method method) {
            return Objects.requireNonNull(timings.get(method));
        }
    }

    /// A study of some sizes.
    ///
    /// @param repeats how often each method is timed
    public SpeedTest(List<NormBenchmark.Size> sizes, Repeats repeats, SvdMethod svd, long seed) {
        this.sizes = List.copyOf(sizes);
        this.repeats = repeats;
        this.svd = svd;
        this.seed = seed;
    }

    /// Runs the study.
    ///
    /// @param progress is told what is measured now
    public List<Row> run(Device device, Consumer<String> progress) {
        progress.accept("warming up ...");
        warmUp(device);
        List<Row> rows = new ArrayList<>();
        for (NormBenchmark.Size size : sizes) {
            try (Layer layer = new Layer(size, device)) {
                rows.add(layer.measure(progress));
            }
        }
        return rows;
    }

    private void warmUp(Device device) {
        try (Layer layer = new Layer(sizes.getFirst(), device)) {
            layer.warmUp();
        }
    }

    /// The layer that all methods measure: as many outputs as inputs per channel.
    static Conv2dSizes layer(NormBenchmark.Size size) {
        return Convolution.sizes(Shape.of(1, size.inputs(), SIDE, SIDE),
                Shape.of(size.outputs(), size.inputs(), size.kernel(), size.kernel()), Conv2dGeometry.of(1, size.kernel() / 2));
    }

    /// Its weights.
    float[] weight(NormBenchmark.Size size) {
        float[] weight = new float[layer(size).weightShape().elements()];
        RandomStream.of(seed, "weights of " + size).fillNormal(weight, 0, 1);
        return weight;
    }

    /// What the study would take.
    ///
    /// @param size       the kernel size
    /// @param runs       seconds of one run of every method; of exact norms on a GPU, of all runs with what their programs take to compile
    /// @param bruteForce seconds of adding up; 0 where that is not tried
    public record Cost(NormBenchmark.Size size, Map<Method, Double> runs, double bruteForce) {

        /// Seconds with all repeats.
        public double seconds(Repeats repeats) {
            return runs.entrySet().stream().mapToDouble(run -> run.getKey().isRepeated() ? repeats.seconds(run.getValue()) : run.getValue())
                    .sum() + bruteForce;
        }
    }

    /// Measures what the study would take, in much less time: norms and Lanczos are run, of power iteration a few steps and of the spectrum
    /// a small image, which are multiplied by how many steps at most and how many more frequencies there are.
    ///
    /// @param progress is told what is measured now
    public List<Cost> estimate(Device device, Consumer<String> progress) {
        List<Cost> costs = new ArrayList<>();
        progress.accept("warming up ...");
        warmUp(device);
        for (NormBenchmark.Size size : sizes) {
            progress.accept("estimate for " + size + " ...");
            try (Layer layer = new Layer(size, device)) {
                costs.add(layer.estimate());
            }
        }
        return costs;
    }

    /// A layer of one size.
    private final class Layer implements AutoCloseable {

        private final NormBenchmark.Size size;
        private final Device device;
        private final Conv2dSizes s;
        private final float[] weight;
        private final AcceleratedLayer gpu;
        private int steps;

        Layer(NormBenchmark.Size size, Device device) {
            this.size = size;
            this.device = device;
            this.s = layer(size);
            this.weight = weight(size);
            this.gpu = new AcceleratedLayer(s, weight, device);
        }

        Row measure(Consumer<String> progress) {
            Map<Method, Timing> timings = new EnumMap<>(Method.class);
            for (Method method : Method.of(device)) {
                progress.accept(size + ": " + method.label() + " ...");
                timings.put(method, switch (method) {
                    case GPU_L1 -> onGpu(Norm.L1);
                    case GPU_LINF -> onGpu(Norm.LINF);
                    case GPU_POWER -> {
                        gpu.power(start(), 0, 1); // compiles
                        yield time(work(method));
                    }
                    default -> time(work(method));
                });
            }
            progress.accept(size + ": brute force ...");
            return new Row(size, timings, bruteForce());
        }

        /// Runs every method for a moment, so that the first one that is timed does not wait for the compiler.
        void warmUp() {
            tried(fewSteps(), TRIED_RUNS, WARMUP_SECONDS);
            tried(work(Method.L1), TRIED_RUNS, FAST_SECONDS);
            tried(work(Method.LINF), TRIED_RUNS, FAST_SECONDS);
            tried(work(Method.LANCZOS), 1, WARMUP_SECONDS);
            tried(this::smallSpectrum, 1, WARMUP_SECONDS);
        }

        private DoubleSupplier fewSteps() {
            ConvolutionOperator operator = new ConvolutionOperator(s, weight, device);
            return () -> PowerIteration.run(operator, start(), 0, TRIED_STEPS, device.workers()).value();
        }

        Cost estimate() {
            // as many applications, forward and back, and one forward at the end
            double step = tried(fewSteps(), TRIED_RUNS, TRIED_SECONDS) / (TRIED_STEPS + 0.5);
            Map<Method, Double> runs = new EnumMap<>(Method.class);
            for (Method method : Method.of(device)) {
                runs.put(method, switch (method) {
                    case L1, LINF -> tried(work(method), TRIED_RUNS, FAST_SECONDS);
                    case GPU_L1 -> secondsOnGpu(Norm.L1);
                    case GPU_LINF -> secondsOnGpu(Norm.LINF);
                    case GPU_POWER -> gpuStep() * PowerIteration.MOST_STEPS;
                    case LANCZOS -> tried(work(method), 1, TRIED_SECONDS);
                    case POWER, POWER_PUBLISHED -> step * PowerIteration.MOST_STEPS;
                    case SVC -> tried(this::smallSpectrum, TRIED_RUNS, TRIED_SECONDS) * frequencies(SIDE) / frequencies(TRIED_SIDE);
                });
            }
            long start = System.nanoTime();
            bruteForce();
            return new Cost(size, runs, since(start));
        }

        private double smallSpectrum() {
            CircularConvolution small = new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), 1, TRIED_SIDE, TRIED_SIDE, 1, 1, 1, 1);
            return ConvolutionSpectrum.values(small, weight, svd, device.workers())[0];
        }

        /// Frequencies with a spectrum of their own: of all but four there are two with the same, because the weights are real.
        private static double frequencies(int side) {
            return (side * side + 4) / 2.0;
        }

        /// Seconds of work: of several runs the shortest, because the first ones wait for the compiler.
        ///
        /// @param least   runs, also if they take longer
        /// @param seconds to go on for
        private static double tried(DoubleSupplier work, int least, double seconds) {
            long begun = System.nanoTime();
            double shortest = Double.POSITIVE_INFINITY;
            for (int runs = 0; runs < least || since(begun) < seconds; runs++) {
                long start = System.nanoTime();
                var _ = work.getAsDouble();
                shortest = Math.min(shortest, since(start));
            }
            return shortest;
        }

        private DoubleSupplier work(Method method) {
            Storage storage = Tensor.of(s.weightShape(), weight).storage();
            SliceNormSizes slices = ConvolutionNorms.slices(s, method == Method.L1 ? Norm.L1 : Norm.LINF);
            ConvolutionOperator operator = new ConvolutionOperator(s, weight, device);
            return switch (method) {
                case L1, LINF -> () -> ConvolutionNorms.norm(slices, storage, device).norm();
                case LANCZOS -> () -> {
                    LargestSingularValue.Estimate found = LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, start(),
                            new LargestSingularValue.Options(1e-3, PowerIteration.MOST_STEPS), device);
                    steps = found.steps();
                    return found.value();
                };
                case POWER -> () -> stepped(PowerIteration.run(operator, start(), TOLERANCE, PowerIteration.MOST_STEPS, device.workers()));
                case POWER_PUBLISHED -> () -> stepped(PowerIteration.runAsPublished(operator, start(), device.workers()));
                case SVC -> () -> ConvolutionSpectrum.values(CircularConvolution.of(s), weight, svd, device.workers())[0];
                case GPU_POWER -> () -> stepped(gpu.power(start(), TOLERANCE, PowerIteration.MOST_STEPS));
                case GPU_L1, GPU_LINF -> throw new IllegalArgumentException(method + " is timed in programs of its own");
            };
        }

        private RandomStream start() {
            return RandomStream.of(seed, "start for " + size);
        }

        private double stepped(PowerIteration.Result result) {
            steps = result.steps();
            return result.value();
        }

        /// Work of more than five seconds is measured from its first run on, up to the repeats or their time. Other work is repeated for a
        /// second before, and what is fast then is measured for a fifth of a second, at most 2000 times.
        private Timing time(DoubleSupplier work) {
            steps = 0;
            List<Double> times = new ArrayList<>();
            long start = System.nanoTime();
            double value = work.getAsDouble();
            double once = since(start);
            if (Repeats.isCounted(once)) {
                times.add(once);
            } else {
                while (since(start) < WARMUP_SECONDS) {
                    long before = System.nanoTime();
                    value = work.getAsDouble();
                    once = Math.min(once, since(before));
                }
                start = System.nanoTime();
            }
            boolean fast = repeats.isFast(once);
            while (times.size() < repeats.count() && since(start) + once < repeats.mostSeconds() || times.isEmpty()
                    || fast && times.size() < MOST_REPEATS && since(start) < FAST_SECONDS) {
                long before = System.nanoTime();
                value = work.getAsDouble();
                times.add(since(before));
            }
            return new Timing(Sample.of(times.stream().mapToDouble(Double::doubleValue).toArray()), value, steps);
        }

        /// A norm's kernels on a GPU, with their launches.
        private Timing onGpu(Norm norm) {
            double[] seconds = gpu.seconds(norm, GPU_ROUNDS);
            return new Timing(Sample.of(Arrays.stream(seconds).map(one -> Math.max(0, one)).toArray()), gpu.norm(norm), 0);
        }

        /// What that takes altogether, compiling included.
        private double secondsOnGpu(Norm norm) {
            long start = System.nanoTime();
            onGpu(norm);
            return since(start);
        }

        /// Seconds of one step of power iteration, its program being compiled.
        private double gpuStep() {
            gpu.power(start(), 0, 1);
            return tried(() -> gpu.power(start(), 0, TRIED_STEPS).value(), TRIED_RUNS, FAST_SECONDS) / (TRIED_STEPS + 1);
        }

        @Override
        public void close() {
            gpu.close();
        }

        private BruteForce bruteForce() {
            if ((long) weight.length * s.oh() * s.ow() > MOST_ADDITIONS) {
                return new BruteForce(Double.NaN, Double.NaN);
            }
            double[] rows = new double[s.o() * s.oh() * s.ow()];
            double[] columns = new double[s.c() * s.h() * s.w()];
            for (int i = 0; i < weight.length; i++) {
                addTap(i, rows, columns);
            }
            return new BruteForce(largest(columns), largest(rows));
        }

        /// Adds a weight wherever it reads the image: to the row of the output and the column of the input.
        private void addTap(int i, double[] rows, double[] columns) {
            int u = i % s.kw();
            int t = i / s.kw() % s.kh();
            int ic = i / (s.kw() * s.kh()) % s.c();
            int io = i / (s.kw() * s.kh() * s.c());
            double magnitude = Math.abs(weight[i]);
            for (int ioh = 0; ioh < s.oh(); ioh++) {
                int ih = ioh + t - s.padTop();
                for (int iow = 0; ih >= 0 && ih < s.h() && iow < s.ow(); iow++) {
                    int iw = iow + u - s.padLeft();
                    if (iw >= 0 && iw < s.w()) {
                        rows[(io * s.oh() + ioh) * s.ow() + iow] += magnitude;
                        columns[(ic * s.h() + ih) * s.w() + iw] += magnitude;
                    }
                }
            }
        }
    }

    private static double largest(double[] values) {
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, value);
        }
        return largest;
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
