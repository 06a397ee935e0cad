package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.PeakProbe;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.experiments.stats.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// What this machine can do at most, measured again and again between the kernels that are compared with it, with the same team of threads.
///
/// Arithmetic: fused multiply-adds on registers, one thread and all. Memory: reading, copying and `c = a + 3 b` on arrays of four times the
/// last-level cache each; a byte counts once for every read or write that the program makes (a store's own read of its cache line does not
/// count).
public final class MachinePeak {

    private static final int DEFAULT_CACHE_BYTES = 32 << 20;
    private static final double PROBE_SECONDS = 0.02;
    private static final int CACHES = 4;
    private static final int CHUNK_FLOATS = 1 << 17;

    private final @Nullable PeakProbe probe;
    private final Workers workers;
    private final long cacheBytes;
    private final float[] a;
    private final float[] b;
    private final float[] c;
    private final int rounds;
    private final List<Rates> samples = new ArrayList<>();
    private volatile float sink;

    /// Rates of the machine; 0 where they cannot be measured.
    ///
    /// @param oneThread  GFLOP/s of one thread
    /// @param allThreads GFLOP/s of all threads together
    /// @param read       GB/s of reading, all threads
    /// @param update     GB/s of `a = -a` in place, all threads, read and written bytes
    /// @param copy       GB/s of copying with ordinary stores, all threads, read and written bytes
    /// @param triad      GB/s of `c = a + 3 b`, all threads, two reads and a write
    /// @param arrayCopy  GB/s of `System.arraycopy`, which may use stores that bypass the caches
    public record Rates(double oneThread, double allThreads, double read, double update, double copy, double triad, double arrayCopy) {

        /// The bandwidth to hold against a kernel: of reading for one that does next to nothing else, of `a = -a` for one that works in
        /// place (its stores find their cache lines), of copying or `c = a + 3 b`, whichever is faster here, for one that makes new
        /// tensors.
        public double bandwidth(KernelWork work) {
            return !work.writes() ? read : work.inPlace() ? update : Math.max(copy, triad);
        }
    }

    /// A measurement with this team of threads.
    ///
    /// @param cacheBytes the last-level cache, see [#lastLevelCacheBytes()]
    public MachinePeak(Workers workers, long cacheBytes) {
        this.workers = workers;
        this.probe = PeakProbe.find().orElse(null);
        this.cacheBytes = cacheBytes;
        long most = Math.min(1 << 28, Runtime.getRuntime().maxMemory() / 16) / Float.BYTES;
        int floats = probe == null ? 0 : (int) Math.clamp(CACHES * cacheBytes / Float.BYTES, 1 << 16, most);
        this.a = new float[floats];
        this.b = new float[floats];
        this.c = new float[floats];
        Arrays.fill(a, 1f);
        Arrays.fill(b, 0.5f);
        Arrays.fill(c, 2f);
        this.rounds = probe == null ? 0 : calibrate(probe);
    }

    /// Whether there is anything to measure with.
    public boolean available() {
        return probe != null;
    }

    /// Size of the last-level cache.
    public long cacheBytes() {
        return cacheBytes;
    }

    /// The arrays' size in bytes.
    public long arrayBytes() {
        return (long) Float.BYTES * a.length;
    }

    /// Measures everything once, in about a tenth of a second.
    public void sample() {
        if (probe == null) {
            return;
        }
        PeakProbe loops = probe;
        double operations = (double) rounds * loops.operationsPerRound();
        double one = seconds(() -> sink += loops.multiplyAdd(rounds));
        int threads = workers.threads();
        float[] results = new float[threads];
        double all = seconds(() -> workers.run(threads, (chunk, worker) -> results[chunk] = loops.multiplyAdd(rounds)));
        double bytes = arrayBytes();
        double read = seconds(() -> each((from, to, worker) -> results[worker] += loops.read(a, from, to)));
        double update = seconds(() -> each((from, to, worker) -> loops.scaleInPlace(b, from, to)));
        double copy = seconds(() -> each((from, to, worker) -> loops.copy(a, c, from, to)));
        double triad = seconds(() -> each((from, to, worker) -> loops.triad(a, b, c, from, to)));
        double arrayCopy = seconds(() -> each((from, to, worker) -> System.arraycopy(a, from, c, from, to - from)));
        sink += results[0];
        samples.add(new Rates(operations / one / 1e9, operations * threads / all / 1e9, bytes / read / 1e9, 2 * bytes / update / 1e9,
                2 * bytes / copy / 1e9, 3 * bytes / triad / 1e9, 2 * bytes / arrayCopy / 1e9));
    }

    /// Drops what was measured so far, while the loops were not compiled yet.
    public void forget() {
        samples.clear();
    }

    /// Medians of everything measured so far.
    public Rates rates() {
        return rates(samples.size());
    }

    /// Medians of the last measurements.
    public Rates rates(int last) {
        List<Rates> chosen = samples.subList(Math.max(0, samples.size() - last), samples.size());
        if (chosen.isEmpty()) {
            return new Rates(0, 0, 0, 0, 0, 0, 0);
        }
        return new Rates(median(chosen, Rates::oneThread), median(chosen, Rates::allThreads), median(chosen, Rates::read),
                median(chosen, Rates::update),
                median(chosen, Rates::copy), median(chosen, Rates::triad), median(chosen, Rates::arrayCopy));
    }

    private static double median(List<Rates> samples, ToDoubleFunction<Rates> rate) {
        return Sample.of(samples.stream().mapToDouble(rate).toArray()).median();
    }

    /// A part of the arrays.
    @FunctionalInterface
    private interface Part {

        void run(int from, int to, int worker);
    }

    private void each(Part part) {
        int chunks = (a.length + CHUNK_FLOATS - 1) / CHUNK_FLOATS;
        workers.run(chunks, (chunk, worker) -> part.run(chunk * CHUNK_FLOATS, Math.min(a.length, (chunk + 1) * CHUNK_FLOATS), worker));
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    /// How many rounds take the time of a probe, once the loop is compiled.
    private int calibrate(PeakProbe loops) {
        int count = 1000;
        for (int i = 0; i < 2000; i++) {
            sink += loops.multiplyAdd(count);
        }
        double seconds = 0;
        while (seconds < PROBE_SECONDS / 4 && count < 1 << 28) {
            count *= 2;
            int now = count;
            seconds = seconds(() -> sink += loops.multiplyAdd(now));
        }
        return (int) Math.min(Integer.MAX_VALUE, Math.max(1, count * (PROBE_SECONDS / seconds)));
    }

    /// What Linux says of the first processor's largest cache; elsewhere 32 MiB.
    public static long lastLevelCacheBytes() {
        long largest = 0;
        for (int index = 0; index < 8; index++) {
            Path size = Path.of("/sys/devices/system/cpu/cpu0/cache/index" + index + "/size");
            try {
                largest = Math.max(largest, bytes(Files.readString(size).strip()));
            } catch (IOException | NumberFormatException e) {
                break; // no such cache, or no such system
            }
        }
        return largest == 0 ? DEFAULT_CACHE_BYTES : largest;
    }

    private static long bytes(String text) {
        long factor = text.endsWith("K") ? 1 << 10 : text.endsWith("M") ? 1 << 20 : 1;
        return factor * Long.parseLong(factor == 1 ? text : text.substring(0, text.length() - 1));
    }
}
