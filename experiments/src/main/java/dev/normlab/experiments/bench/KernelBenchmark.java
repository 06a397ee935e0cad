package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.experiments.stats.Sample;
import dev.normlab.nn.model.ModelSpec;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Times every distinct operation of some networks, with the machine's peak measured in between.
///
/// Operations are taken in groups whose operands fit into memory together. Within a group the repetitions alternate: a round measures the
/// machine once and every operation for a few milliseconds. The median over the rounds counts. On an accelerator the operations are
/// taken one by one, in programs ([ProgramKernel]).
public final class KernelBenchmark {

    private static final double ROUND_SECONDS = 0.003;
    private static final double WARMUP_SECONDS = 0.4;
    private static final double QUIET_SECONDS = 0.4;
    private static final double MOST_WARMUP_SECONDS = 3;
    private static final int WARMUP_RUNS = 2;

    private final List<ModelSpec> models;
    private final int batchSize;
    private final int rounds;
    private final long cacheBytes;
    private final double acceleratorPeak;

    /// What was measured of one operation.
    ///
    /// @param name      for people
    /// @param opcode    the operation
    /// @param convolution the sizes, of a convolution
    /// @param algorithm what the convolution is computed by
    /// @param work      nominal work
    /// @param seconds   the median of a run; on an accelerator not above 0 where it is too short to be measured
    /// @param share     of the machine's peak in the same rounds: arithmetic of all threads, or bandwidth; NaN if the operands fit into the
    ///     caches or there is no peak
    /// @param repacks   copies between layouts within a run
    /// @param training  how often a training step of each network does this
    /// @param inference how often inference of each network does this
    public record Row(String name, String opcode, Optional<Conv2dSizes> convolution, Optional<ConvolutionAlgorithm> algorithm,
            KernelWork work,
            double seconds, double share, long repacks, Map<String, Integer> training, Map<String, Integer> inference) {

        /// GFLOP/s of an arithmetic operation, GB/s of any other; NaN where it takes less than can be measured.
        public double rate() {
            return seconds > 0 ? (work.isArithmetic() ? work.operations() : work.bytes()) / seconds / 1e9 : Double.NaN;
        }

        /// Whether it takes next to no time: less than 64 KiB is touched.
        public boolean small() {
            return work.footprint() < PreparedKernel.SMALL;
        }
    }

    /// The whole measurement.
    ///
    /// @param cacheBytes  the last-level cache
    /// @param arrayBytes  of one array of the bandwidth measurement
    /// @param failures    a line for every operation that an accelerator refused
    public record Result(MachinePeak.Rates peak, long cacheBytes, long arrayBytes, List<Row> rows, List<String> failures) {

        /// Seconds of all operations of a step of a network together: what the step takes if nothing comes between them.
        public double sum(String model, boolean training) {
            return rows.stream()
                    .mapToDouble(row -> (training ? row.training : row.inference).getOrDefault(model, 0) * Math.max(0, row.seconds)).sum();
        }
    }

    /// A benchmark of the operations of some models.
    ///
    /// @param models     on 32x32 images
    /// @param rounds     repetitions, of which the median counts
    /// @param cacheBytes the last-level cache, which operands that memory bounds must exceed
    /// @param acceleratorPeak GFLOP/s that an accelerator reaches at most, which is not measured as a CPU's is; 0 if that is not known
    public KernelBenchmark(List<ModelSpec> models, int batchSize, int rounds, long cacheBytes, double acceleratorPeak) {
        this.cacheBytes = cacheBytes;
        this.acceleratorPeak = acceleratorPeak;
        this.models = List.copyOf(models);
        this.batchSize = batchSize;
        this.rounds = rounds;
    }

    /// Measures the operations whose names contain a text, ignoring case; an empty text means all.
    ///
    /// @param progress is told what is measured now
    public Result run(Device device, String filter, Consumer<String> progress) {
        KernelCatalogue catalogue = new KernelCatalogue(device, batchSize);
        models.forEach(spec -> catalogue.add(spec.name(), spec));
        List<KernelCase> cases = catalogue.cases().stream()
                .filter(one -> KernelNames.of(one.key()).toLowerCase(Locale.ROOT).contains(filter.toLowerCase(Locale.ROOT))).toList();
        float[] numbers = new float[1 << 20];
        RandomStream.of(1, "benchmark").fillNormal(numbers, 0, 1);
        if (device.accelerator() != null) {
            return onAccelerator(cases, device, numbers, progress);
        }
        MachinePeak machine = new MachinePeak(device.workers(), cacheBytes);
        for (int i = 0; i < rounds; i++) {
            machine.sample();
        }
        machine.forget();
        machine.sample();
        List<Measured> measured = new ArrayList<>();
        long budget = Runtime.getRuntime().maxMemory() / 4;
        for (int from = 0; from < cases.size();) {
            int to = from;
            for (long bytes = 0; to < cases.size(); to++) {
                KernelWork work = cases.get(to).work();
                bytes += work.footprint() * PreparedKernel.sets(work, machine.cacheBytes());
                if (bytes > budget && to > from) {
                    break;
                }
            }
            progress.accept(String.format(Locale.ROOT, "kernels %d to %d of %d: %s ...", from + 1, to, cases.size(),
                    KernelNames.of(cases.get(from).key())));
            measured.addAll(measure(cases.subList(from, to), device, machine, numbers));
            device.pool().clear();
            from = to;
        }
        return new Result(machine.rates(), machine.cacheBytes(), machine.arrayBytes(), measured.stream().map(Measured::row).toList(),
                List.of());
    }

    /// Kernels in programs, beside copying by such a kernel.
    private Result onAccelerator(List<KernelCase> cases, Device device, float[] numbers, Consumer<String> progress) {
        progress.accept("copying ...");
        KernelCase copy = copy();
        double copied = seconds(copy, device, numbers);
        double rate = copied > 0 ? copy.work().bytes() / copied / 1e9 : 0;
        MachinePeak.Rates peak = new MachinePeak.Rates(0, acceleratorPeak, rate, rate, rate, rate, 0);
        List<Row> rows = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        for (KernelCase one : cases) {
            String name = KernelNames.of(one.key());
            progress.accept(String.format(Locale.ROOT, "kernel %d of %d: %s ...", rows.size() + failures.size() + 1, cases.size(), name));
            boolean fromMemory = one.work().footprint() >= 2 * cacheBytes;
            try {
                rows.add(new Measured(one, Optional.empty(), fromMemory, 0, seconds(one, device, numbers), peak).row());
            } catch (AcceleratorException e) {
                failures.add(name + ": " + e.getMessage());
            }
        }
        return new Result(peak, cacheBytes, copy.work().readBytes(), rows, failures);
    }

    private double seconds(KernelCase one, Device device, float[] numbers) {
        try (ProgramKernel kernel = ProgramKernel.of(one, device, numbers)) {
            return Sample.of(kernel.seconds(rounds)).median();
        } finally {
            device.pool().clear();
        }
    }

    /// `y = -x` on twice the cache or more.
    private KernelCase copy() {
        TensorSpec spec = TensorSpec.floats(Math.toIntExact(Math.max(1 << 20, 2 * cacheBytes / Float.BYTES)));
        KernelCase.Key key = new KernelCase.Key(Opcode.UNARY, UnaryFunction.NEGATE, List.of(spec), List.of(spec));
        return new KernelCase(key, List.of(new KernelCase.Operand(spec, false, null)));
    }

    /// One operation, its time, and the peak in the same rounds.
    private record Measured(KernelCase kernel, Optional<ConvolutionAlgorithm> algorithm, boolean cold, long repacks, double seconds,
            MachinePeak.Rates peak) {

        Row row() {
            KernelWork work = kernel.work();
            double limit = work.isArithmetic() ? peak.allThreads() : peak.bandwidth(work);
            double done = work.isArithmetic() ? work.operations() : work.bytes();
            double share = limit > 0 && seconds > 0 && (work.isArithmetic() || cold) ? done / seconds / 1e9 / limit : Double.NaN;
            return new Row(KernelNames.of(kernel.key()), kernel.key().opcode().name(),
                    kernel.convolution(), algorithm, work, seconds, share, repacks,
                    new LinkedHashMap<>(kernel.training()), new LinkedHashMap<>(kernel.inference()));
        }
    }

    private List<Measured> measure(List<KernelCase> cases, Device device, MachinePeak machine, float[] numbers) {
        List<PreparedKernel> prepared = cases.stream().map(one -> new PreparedKernel(one, device, machine.cacheBytes(), numbers)).toList();
        long[] repacks = new long[cases.size()];
        double[][] seconds = new double[cases.size()][rounds];
        for (int i = 0; i < cases.size(); i++) {
            long before = device.repacks();
            prepared.get(i).run();
            repacks[i] = device.repacks() - before;
            warmUp(prepared.get(i));
        }
        for (int round = 0; round < rounds; round++) {
            machine.sample();
            for (int i = 0; i < cases.size(); i++) {
                seconds[i][round] = median(prepared.get(i));
            }
        }
        MachinePeak.Rates peak = machine.rates(rounds);
        List<Measured> measured = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            measured.add(new Measured(cases.get(i), cases.get(i).algorithm(device), prepared.get(i).cold(), repacks[i],
                    Sample.of(seconds[i]).median(), peak));
            prepared.get(i).close();
        }
        return measured;
    }

    /// Runs a kernel until the compiler has finished nothing for longer than it takes for most methods.
    private static void warmUp(PreparedKernel kernel) {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        boolean told = compiler != null && compiler.isCompilationTimeMonitoringSupported();
        long start = System.nanoTime(), quietSince = start;
        long compiled = told ? compiler.getTotalCompilationTime() : 0;
        for (int run = 0;; run++) {
            kernel.run();
            long now = System.nanoTime();
            long total = told ? compiler.getTotalCompilationTime() : 0;
            quietSince = total == compiled ? quietSince : now;
            compiled = total;
            boolean quiet = (now - quietSince) / 1e9 >= QUIET_SECONDS && (now - start) / 1e9 >= WARMUP_SECONDS;
            if (run >= WARMUP_RUNS && (quiet || (now - start) / 1e9 >= MOST_WARMUP_SECONDS)) {
                return;
            }
        }
    }

    /// The median run of a few milliseconds, at least one. All operands are touched once before, as the yardstick's arrays are: where a
    /// system takes idle pages away (virtual machines do), the first touch after a while would be measured instead. (So what has one set of
    /// operands, arithmetic, finds in the caches what they hold of it, as behind the operation before it in a step.)
    private static double median(PreparedKernel kernel) {
        for (int set = 0; set < kernel.sets(); set++) {
            kernel.run();
        }
        List<Double> seconds = new ArrayList<>();
        double spent = 0;
        while (spent < ROUND_SECONDS) {
            long start = System.nanoTime();
            kernel.run();
            double one = (System.nanoTime() - start) / 1e9;
            seconds.add(one);
            spent += one;
        }
        return Sample.of(seconds.stream().mapToDouble(Double::doubleValue).toArray()).median();
    }
}
