package dev.normlab.lip.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.nn.layer.BatchNorm1d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.Evaluation;
import dev.normlab.nn.train.StepResult;
import dev.normlab.nn.train.TrainingEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NormRecorderTest {

    private final Linear linear = new Linear(1, 1, false);
    private final Layer model = new Sequential(linear, new BatchNorm1d(1)).initialize(1);

    /// A training of `epochs` epochs with 5 batches each, in which the weight is the number of completed steps.
    private void train(NormRecorder recorder, int epochs) {
        train(recorder, 0, 5 * epochs);
    }

    /// The steps `from` to `to` of that training.
    private void train(NormRecorder recorder, int from, int to) {
        for (int step = from; step < to; step++) {
            int epoch = step / 5;
            StepResult result = new StepResult(0.5f, 1, 2);
            EpochTotals totals = EpochTotals.NONE;
            for (int batch = 0; batch <= step % 5; batch++) {
                totals = totals.plus(result);
            }
            linear.weight().set((float) (step + 1));
            recorder.on(new TrainingEvent.StepFinished(epoch, step % 5, 5, step, result, totals, 1));
            if (step % 5 == 4) {
                recorder.on(new TrainingEvent.EpochFinished(epoch, 0.1, totals, Optional.of(new Evaluation(4, 3, 0.25)), 1, 1));
            }
        }
    }

    @Test
    void endsOfEpochsAreRecordedWithAccuracyLossAndNormsBesideEachOther() {
        NormRecorder recorder = new NormRecorder(model, NormRecorder.Options.EPOCHS);
        train(recorder, 3);
        NormSeries series = recorder.series();
        assertEquals(List.of("0", "1"), series.layers().stream().map(NormSeries.Layer::name).toList());
        assertEquals(3, series.points().size());
        NormPoint last = series.points().getLast();
        assertEquals(15, last.step());
        assertEquals(3, last.epoch());
        assertEquals(0.5, last.loss());
        assertEquals(0.5, last.accuracy());
        assertEquals(0.75, last.testAccuracy());
        assertEquals(15, last.l1()[0]);
        assertEquals(5, series.sums(Norm.L1, EnumSet.of(LayerKind.LINEAR))[0]);
        assertEquals(6, series.sums(Norm.LINF, EnumSet.allOf(LayerKind.class))[0], 1e-4);
        assertEquals(10, series.of(0, Norm.LINF)[1]);
    }

    @Test
    void memoryIsBoundedTheLatestPointStaysAndTheSinkSeesAll() {
        List<Long> streamed = new ArrayList<>();
        NormRecorder recorder = new NormRecorder(model, new NormRecorder.Options(1, 10), point -> streamed.add(point.step()));
        long steps = 0;
        for (int epochs = 1; epochs <= 60; epochs += 7) {
            NormRecorder fresh = new NormRecorder(model, new NormRecorder.Options(1, 10), point -> streamed.add(point.step()));
            streamed.clear();
            train(fresh, epochs);
            recorder = fresh;
            steps = epochs * 5L;
            assertEquals(steps, streamed.size(), "one point a step, the last of an epoch with its evaluation");
            assertTrue(fresh.series().points().size() <= 10);
            assertEquals(steps, fresh.series().points().getLast().step());
        }
        List<NormPoint> points = recorder.series().points();
        assertTrue(points.size() >= 5, "thinning keeps half");
        assertEquals(1, points.getFirst().step());
        long gap = points.get(1).step() - points.get(0).step();
        for (int i = 1; i < points.size() - 1; i++) {
            assertEquals(gap, points.get(i).step() - points.get(i - 1).step(), "kept points are evenly spaced");
        }
        assertTrue(Double.isNaN(points.get(1).testAccuracy()), "not evaluated within an epoch");
    }

    @Test
    void aSeriesIsWrittenAndReadAgain(@TempDir Path folder) throws IOException {
        NormRecorder recorder = new NormRecorder(model, new NormRecorder.Options(2, 100));
        train(recorder, 2);
        Path file = folder.resolve("norms.safetensors");
        recorder.series().write(file);
        NormSeries read = NormSeries.read(file);
        assertEquals(recorder.series().layers(), read.layers());
        assertEquals(recorder.series().points().size(), read.points().size());
        for (int i = 0; i < read.points().size(); i++) {
            NormPoint expected = recorder.series().points().get(i);
            NormPoint found = read.points().get(i);
            assertEquals(expected.step(), found.step());
            assertEquals(expected.epoch(), found.epoch(), 1e-6);
            assertEquals(expected.testAccuracy(), found.testAccuracy(), 1e-6);
            assertEquals(expected.l1()[0], found.l1()[0], 1e-6);
            assertEquals(expected.linf()[1], found.linf()[1], 1e-6);
        }
    }

    @Test
    void aResumedRecorderGoesOnAfterTheStepsThatCount() {
        NormRecorder whole = new NormRecorder(model, new NormRecorder.Options(1, 100));
        train(whole, 2);
        NormRecorder resumed = new NormRecorder(model, new NormRecorder.Options(1, 100));
        resumed.resume(whole.series(), 7);
        assertEquals(7, resumed.series().points().size());
        train(resumed, 1);
        assertEquals(12, resumed.series().points().size());
        Layer other = new Sequential(new Linear(1, 1, false)).initialize(1);
        assertThrows(IllegalArgumentException.class, () -> new NormRecorder(other, NormRecorder.Options.EPOCHS).resume(whole.series(), 7));
    }

    private static List<Long> steps(NormSeries series) {
        return series.points().stream().map(NormPoint::step).toList();
    }

    /// Interrupted after any step, with a file of that step or of a later one, whose end was never saved, and a file that does not say how
    /// it was thinned.
    @ParameterizedTest
    @CsvSource({"1, 10", "2, 10", "3, 4", "0, 5", "1, 100"})
    void aThinnedSeriesGoesOnWithThePointsOfAnUninterruptedOne(int everySteps, int capacity, @TempDir Path folder) throws IOException {
        NormRecorder.Options options = new NormRecorder.Options(everySteps, capacity);
        NormRecorder whole = new NormRecorder(model, options);
        train(whole, 20);
        assertTrue(capacity == 100 || whole.series().thinning().orElseThrow().stride() > 1, "the capacity thins");
        Path file = folder.resolve("norms.safetensors");
        for (int stop = 1; stop < 100; stop += 3) {
            for (int ahead : new int[] {0, 3}) {
                NormRecorder interrupted = new NormRecorder(model, options);
                train(interrupted, 0, stop + ahead);
                interrupted.series().write(file);
                NormSeries read = NormSeries.read(file);
                for (NormSeries series : List.of(read, new NormSeries(read.layers(), read.points()))) {
                    NormRecorder resumed = new NormRecorder(model, options);
                    resumed.resume(series, stop);
                    train(resumed, stop, 100);
                    assertEquals(steps(whole.series()), steps(resumed.series()), "stopped after " + stop + ", file " + ahead + " ahead");
                    assertEquals(whole.series().thinning(), resumed.series().thinning());
                }
            }
        }
    }

    @Test
    void anotherFileIsRefused(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("other.safetensors");
        Safetensors.write(file, Map.of(), Map.of());
        FormatException exception = assertThrows(FormatException.class, () -> NormSeries.read(file));
        assertTrue(exception.getMessage().contains("holds no series of norms"), exception.getMessage());
        Safetensors.write(file, Map.of("step", new NumberArray.Longs(Shape.of(0), new long[0])),
                Map.of("normlab.layers", "", "normlab.stride", "0", "normlab.seen", "3"));
        exception = assertThrows(FormatException.class, () -> NormSeries.read(file));
        assertTrue(exception.getMessage().contains("no valid normlab.stride"), exception.getMessage());
    }
}
