package dev.normlab.experiments.bench;

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
import dev.normlab.experiments.stats.Sample;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;

/// Times the exact l1 and linf norms of single convolutions on 32x32 images beside the limit: one pass of reading the weights, on the same
/// threads.
///
/// The sizes are those of the paper's speed test. Reading and the norms take turns, once with one set of weights, which the caches keep as
/// far as they can, and once with so many sets in rotation that each is in memory again when its turn comes, as between two training steps.
public final class NormBenchmark {

    private static final int SIDE = 32;
    private static final int CACHES = 4;
    private static final int WARMUP_TURNS = 3000;
    // in measuring times: the first size waits for the compiler
    private static final double WARMUP_TIMES = 10;
    private static final int LEAST_TURNS = 20;
    private static final int MOST_TURNS = 20_000;
    private static final int CHUNK_FLOATS = 1 << 14;

    /// The paper's sizes.
    public static final List<Size> PAPER = List.of(new Size(3, 32, 32), new Size(3, 32, 128), new Size(3, 128, 256),
            new Size(3, 256, 512), new Size(5, 256, 128), new Size(5, 512, 256));

    /// The square kernel of a convolution with padding to the same size.
    ///
    /// @param kernel  taps along one axis
    /// @param inputs  channels
    /// @param outputs channels
    public record Size(int kernel, int inputs, int outputs) {

        /// Bytes of the weights.
        public long bytes() {
            return 4L * kernel * kernel * inputs * outputs;
        }

        @Override
        public String toString() {
            return kernel + "x" + kernel + " " + inputs + "->" + outputs;
        }
    }

    /// Median seconds for one size.
    ///
    /// @param cached whether the same weights are used over and over
    /// @param read   of reading the weights once; NaN where there is nothing to read them fast with
    public record Row(Size size, boolean cached, double read, double l1, double linf) {

        /// Time of a norm as a multiple of reading the weights.
        public double ratio(Norm norm) {
            return (norm == Norm.L1 ? l1 : linf) / read;
        }
    }

    private final List<Size> sizes;
    private final double seconds;
    private final long cacheBytes;
    private volatile double sink;

    /// A benchmark on a device.
    ///
    /// @param seconds    to measure each size, once cached and once not
    /// @param cacheBytes the last-level cache
    public NormBenchmark(List<Size> sizes, double seconds, long cacheBytes) {
        this.cacheBytes = cacheBytes;
        this.sizes = List.copyOf(sizes);
        this.seconds = seconds;
    }

    /// Measures.
    ///
    /// @param progress is told what is measured now
    public List<Row> run(Device device, Consumer<String> progress) {
        List<Row> rows = new ArrayList<>();
        for (Size size : sizes) {
            progress.accept("norms of " + size + " ...");
            rows.add(measure(size, true, device));
        }
        for (Size size : sizes) {
            progress.accept("norms of " + size + ", weights in memory ...");
            rows.add(measure(size, false, device));
        }
        return rows;
    }

    private Row measure(Size size, boolean cached, Device device) {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, size.inputs, SIDE, SIDE),
                Shape.of(size.outputs, size.inputs, size.kernel, size.kernel),
                Conv2dGeometry.of(1, size.kernel / 2));
        float[] values = new float[s.weightShape().elements()];
        RandomStream.of(1, "benchmark").fillNormal(values, 0, 1);
        long sets = cached ? 1 : CACHES * cacheBytes / size.bytes() + 1;
        Weights weights = new Weights(
                LongStream.range(0, sets).mapToObj(_ -> Tensor.of(s.weightShape(), values.clone()).storage()).toList());
        SliceNormSizes l1 = ConvolutionNorms.slices(s, Norm.L1);
        SliceNormSizes linf = ConvolutionNorms.slices(s, Norm.LINF);
        PeakProbe probe = PeakProbe.find().orElse(null);
        List<Runnable> works = List.of(
                () -> sink += probe == null ? 0 : read(probe, weights.next().floats(), device),
                () -> sink += ConvolutionNorms.norm(l1, weights.next(), device).norm(),
                () -> sink += ConvolutionNorms.norm(linf, weights.next(), device).norm());
        double[] medians = medians(works);
        return new Row(size, cached, probe == null ? Double.NaN : medians[0], medians[1], medians[2]);
    }

    /// Sets of equal weights in rotation.
    private static final class Weights {

        private final List<Storage> sets;
        private int next;

        Weights(List<Storage> sets) {
            this.sets = sets;
        }

        Storage next() {
            next = (next + 1) % sets.size();
            return sets.get(next);
        }
    }

    /// Medians over alternating turns.
    private double[] medians(List<Runnable> works) {
        long start = System.nanoTime();
        for (int turn = 0; turn < WARMUP_TURNS && since(start) < WARMUP_TIMES * seconds; turn++) {
            works.forEach(Runnable::run);
        }
        List<List<Double>> times = works.stream().map(_ -> (List<Double>) new ArrayList<Double>()).toList();
        start = System.nanoTime();
        for (int turn = 0; turn < LEAST_TURNS || turn < MOST_TURNS && since(start) < seconds; turn++) {
            for (int i = 0; i < works.size(); i++) {
                long before = System.nanoTime();
                works.get(i).run();
                times.get(i).add(since(before));
            }
        }
        return times.stream().mapToDouble(list -> Sample.of(list.stream().mapToDouble(Double::doubleValue).toArray()).median()).toArray();
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    private static float read(PeakProbe probe, float[] values, Device device) {
        int threads = device.workers().threads();
        int chunk = Math.max(CHUNK_FLOATS, (values.length + 4 * threads - 1) / (4 * threads));
        int chunks = (values.length + chunk - 1) / chunk;
        float[] sums = new float[chunks];
        device.workers().run(chunks,
                (c, worker) -> sums[c] = probe.read(values, c * chunk, Math.min(values.length, (c + 1) * chunk)));
        return sums[0];
    }
}
