package dev.normlab.lip.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.Safetensors;
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

class NormRecorderTest {

    private final Linear linear = new Linear(1, 1, false);
    private final Layer model = new Sequential(linear, new BatchNorm1d(1)).initialize(1);

    /// A training of `epochs` epochs with 5 batches each, in which the weight is the number of completed steps.
    private void train(NormRecorder recorder, int epochs) {
        long step = 0;
        for (int epoch = 0; epoch < epochs; epoch++) {
            EpochTotals totals = EpochTotals.NONE;
            for (int batch = 0; batch < 5; batch++) {
                StepResult result = new StepResult(0.5f, 1, 2);
                totals = totals.plus(result);
                linear.weight().set((float) (step + 1));
                recorder.on(new TrainingEvent.StepFinished(epoch, batch, 5, step, result, totals, 1));
                step++;
            }
            recorder.on(new TrainingEvent.EpochFinished(epoch, 0.1, totals, Optional.of(new Evaluation(4, 3, 0.25)), 1, 1));
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

    @Test
    void anotherFileIsRefused(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("other.safetensors");
        Safetensors.write(file, Map.of(), Map.of());
        FormatException exception = assertThrows(FormatException.class, () -> NormSeries.read(file));
        assertTrue(exception.getMessage().contains("holds no series of norms"), exception.getMessage());
    }
}
