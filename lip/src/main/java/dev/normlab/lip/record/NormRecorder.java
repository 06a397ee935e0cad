package dev.normlab.lip.record;

import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.Evaluation;
import dev.normlab.nn.train.TrainingEvent;
import dev.normlab.nn.train.TrainingListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/// Records the norms of every layer while a model is trained: every so many steps, and at the end of every epoch.
///
/// Memory stays bounded: when more points than the capacity have come, every second one is dropped, and from then on only every second one
/// is kept, and so on; the latest point is always there. Ends of epochs are thinned like all others. A [NormSink] sees every point, for
/// streaming to a file.
public final class NormRecorder implements TrainingListener {

    private final Layer model;
    private final Options options;
    private final NormSink sink;
    private final List<NormSeries.Layer> layers;
    private final List<NormPoint> kept = new ArrayList<>();
    private long steps;
    private long seen;
    private long stride = 1;
    private boolean latestIsExtra;

    /// How much is recorded.
    ///
    /// @param everySteps how many steps lie between two points; 0 for the ends of epochs only
    /// @param capacity   how many points are kept in memory at most, at least 2
    public record Options(int everySteps, int capacity) {

        /// The ends of epochs, at most 4096 points.
        public static final Options EPOCHS = new Options(0, 4096);

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if a number is out of range
        public Options {
            if (everySteps < 0 || capacity < 2) {
                throw new IllegalArgumentException(
                        "norm recorder: expected everySteps >= 0 and capacity >= 2, but got " + everySteps + " and " + capacity);
            }
        }
    }

    /// Sees every recorded point.
    @FunctionalInterface
    public interface NormSink {

        /// Called once for every point, in order.
        void accept(NormPoint point);
    }

    /// A recorder that keeps its points in memory.
    public NormRecorder(Layer model, Options options) {
        this(model, options, _ -> {
        });
    }

    /// A recorder that hands every point on as well.
    public NormRecorder(Layer model, Options options, NormSink sink) {
        this.model = model;
        this.options = options;
        this.sink = sink;
        this.layers = NormedLayer.of(model).stream().map(layer -> new NormSeries.Layer(layer.name(), layer.kind())).toList();
    }

    /// Goes on after a part of the training that was recorded before, with the same points as if it had not been interrupted.
    ///
    /// @param before what was recorded; points after `step` are left out
    /// @param step   how many steps were completed when the training goes on
    /// @throws IllegalArgumentException if it is of other layers
    public void resume(NormSeries before, long step) {
        if (!before.layers().equals(layers)) {
            throw new IllegalArgumentException(
                    "norm recorder: the recorded layers " + before.layers() + " are not those of the model, " + layers);
        }
        kept.clear();
        steps = step;
        if (before.points().isEmpty()) {
            return;
        }
        NormPoint last = before.points().getLast();
        NormSeries.Thinning thinning = before.thinning().orElseGet(() -> derived(before.points()));
        stride = thinning.stride();
        seen = Math.max(0, thinning.seen() - recordings(step, last));
        before.points().stream().filter(point -> point.step() <= step).forEach(kept::add);
        latestIsExtra = last.step() <= step && (seen - 1) % stride != 0;
        while (kept.size() > options.capacity()) {
            thin(kept.getLast());
        }
    }

    /// How points were thinned, from the gap between the first two.
    private NormSeries.Thinning derived(List<NormPoint> points) {
        NormPoint first = points.getFirst();
        long between = points.size() < 3 ? 1 : recordings(first.step(), points.get(1));
        return new NormSeries.Thinning(Math.max(1, between), 1 + recordings(first.step(), points.getLast()));
    }

    /// How many points come after a step until one that has come.
    private long recordings(long step, NormPoint until) {
        long batches = Math.max(1, Math.round(until.step() / until.epoch()));
        return LongStream.rangeClosed(step + 1, until.step())
                .filter(done -> done % batches == 0 || options.everySteps() > 0 && done % options.everySteps() == 0).count();
    }

    @Override
    public void on(TrainingEvent event) {
        switch (event) {
            case TrainingEvent.StepFinished step when options.everySteps() > 0 && (step.step() + 1) % options.everySteps() == 0
                    && step.batch() + 1 < step.batches() ->
                record(step.step() + 1, step.epoch() + (step.batch() + 1.0) / step.batches(), step.totals(), Double.NaN);
            case TrainingEvent.StepFinished step -> steps = step.step() + 1;
            case TrainingEvent.EpochFinished epoch ->
                record(steps, epoch.epoch() + 1.0, epoch.train(), epoch.test().map(Evaluation::accuracy).orElse(Double.NaN));
            default -> {
                // nothing was trained
            }
        }
    }

    private void record(long step, double epoch, EpochTotals totals, double testAccuracy) {
        LayerNorms norms = LayerNorms.of(model);
        NormPoint point = new NormPoint(step, epoch, totals.loss(), totals.accuracy(), testAccuracy, norms.of(Norm.L1),
                norms.of(Norm.LINF));
        sink.accept(point);
        keep(point);
    }

    /// Keeps every `stride`-th point and, beyond them, the latest.
    private void keep(NormPoint point) {
        if (latestIsExtra) {
            kept.removeLast();
        }
        latestIsExtra = seen % stride != 0;
        kept.add(point);
        seen++;
        if (kept.size() > options.capacity()) {
            thin(point);
        }
    }

    private void thin(NormPoint latest) {
        List<NormPoint> regular = new ArrayList<>();
        for (int i = 0; i < kept.size() - (latestIsExtra ? 1 : 0); i += 2) {
            regular.add(kept.get(i));
        }
        stride *= 2;
        kept.clear();
        kept.addAll(regular);
        latestIsExtra = kept.getLast() != latest;
        if (latestIsExtra) {
            kept.add(latest);
        }
    }

    /// What is in memory.
    public NormSeries series() {
        return new NormSeries(layers, kept, Optional.of(new NormSeries.Thinning(stride, seen)));
    }
}
