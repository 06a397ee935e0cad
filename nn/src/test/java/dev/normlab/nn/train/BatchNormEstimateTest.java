package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Schedule;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchNormEstimateTest {

    private final Device device = Device.cpu(1);

    @AfterEach
    void close() {
        device.close();
    }

    private static Batch batch(int n, int seed) {
        float[] images = new float[n * 2 * 3 * 3];
        RandomStream.of(seed, "images").fillNormal(images, seed, 1 + seed);
        return new Batch(new ImageShape(2, 3, 3), images, new int[n], new int[n]);
    }

    private static Layer network() {
        return new Sequential(new Conv2d(2, 4, 3, 1, 1, true), new BatchNorm2d(4)).initialize(1);
    }

    @Test
    void everyBatchCountsAlikeAndTheLastSmallerOneDoesNot() {
        BatchNorm2d norm = new BatchNorm2d(2);
        norm.initialize(1);
        List<Batch> batches = List.of(batch(5, 1), batch(5, 2), batch(3, 9));
        double[] mean = new double[2];
        double[] variance = new double[2];
        for (Batch batch : batches.subList(0, 2)) {
            for (int c = 0; c < 2; c++) {
                List<Double> values = new ArrayList<>();
                for (int i = 0; i < 5 * 18; i++) {
                    if (i / 9 % 2 == c) {
                        values.add((double) batch.images()[i]);
                    }
                }
                double average = values.stream().mapToDouble(value -> value).average().orElseThrow();
                mean[c] += average / 2;
                variance[c] += values.stream().mapToDouble(value -> (value - average) * (value - average)).sum() / (values.size() - 1) / 2;
            }
        }
        norm.eval();
        assertEquals(2, BatchNormEstimate.estimate(norm, batches.iterator(), 1000, 0, device));
        for (int c = 0; c < 2; c++) {
            assertEquals(mean[c], norm.runningMean().orElseThrow().toArray()[c], 1e-5);
            assertEquals(variance[c], norm.runningVar().orElseThrow().toArray()[c], 1e-4);
        }
        assertFalse(norm.isTraining(), "the mode is as before");
        assertEquals(1, BatchNormEstimate.estimate(norm, batches.iterator(), 5, 0, device), "5 images are enough");
        assertEquals(0, BatchNormEstimate.estimate(norm, List.<Batch>of().iterator(), 5, 0, device));
    }

    @Test
    void weightsThatShrinkBeforeBatchNormChangeNothingOnceStatisticsAreEstimated() {
        Layer network = network();
        List<Batch> batches = List.of(batch(8, 1), batch(8, 2));
        BatchNormEstimate.estimate(network, batches.iterator(), 16, 0, device);
        float[] before = outputs(network, batches.getFirst());
        Parameter weight = network.namedParameters().get("0.weight");
        float[] values = weight.tensor().toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] *= 0.25f;
        }
        weight.set(values);
        float[] stale = outputs(network, batches.getFirst());
        BatchNormEstimate.estimate(network, batches.iterator(), 16, 0, device);
        assertArrayEquals(before, outputs(network, batches.getFirst()), 1e-3f);
        assertTrue(largestDifference(before, stale) > 0.5, "the old statistics do not fit");
        assertArrayEquals(values, weight.tensor().toArray());
    }

    private float[] outputs(Layer network, Batch batch) {
        network.eval();
        try (Tape tape = Tape.inference(device)) {
            return network.forward(tape, batch.imageTensor()).toArray();
        }
    }

    private static double largestDifference(float[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    /// Makes the weights of the first layer small after every update, as clipping does.
    private record Shrink(Layer model) implements TrainingHook {

        @Override
        public Moment moment() {
            return Moment.AFTER_UPDATE;
        }

        @Override
        public boolean hostSide() {
            return true;
        }

        @Override
        public void apply(Executor executor, Gradients gradients) {
            Parameter weight = model.namedParameters().values().iterator().next();
            float[] values = weight.tensor().toArray();
            for (int i = 0; i < values.length; i++) {
                values[i] *= 0.1f;
            }
            weight.set(values);
        }
    }

    @Test
    void aTrainerEstimatesBeforeItEvaluatesAndChangesNoParameter() throws IOException {
        List<Double> losses = new ArrayList<>();
        Layer without = trained(0, losses);
        Layer with = trained(100, losses);
        without.namedParameters().forEach((name, parameter) -> assertArrayEquals(parameter.tensor().toArray(),
                with.namedParameters().get(name).tensor().toArray(), name));
        String variance = without.namedBuffers().keySet().stream().filter(name -> name.endsWith("running_var")).findFirst().orElseThrow();
        double stale = Arrays.stream(toDoubles(without.namedBuffers().get(variance).toArray())).sum();
        double own = Arrays.stream(toDoubles(with.namedBuffers().get(variance).toArray())).sum();
        assertTrue(own < 0.1 * stale, "estimated " + own + ", left by the steps " + stale);
        try (Evaluator evaluator = new Evaluator(with, 8, device)) {
            assertEquals(evaluator.evaluate(TinyTask.data(32, 1)).loss(), losses.get(1), 0, "the evaluation comes after the estimate");
        }
        assertTrue(!losses.get(0).equals(losses.get(1)), "and shows it");
    }

    @Test
    void randomNumbersAreThoseOfTheStepThatIsNamed() {
        Layer first = TinyTask.model(3);
        Layer second = TinyTask.model(3);
        first.atStep(5); // as if steps had been taken, and not after a resume
        Dataset data = TinyTask.data(32, 1);
        for (Layer model : List.of(first, second)) {
            try (BatchLoader.Epoch batches = BatchLoader.plain(data, 8).epoch(0)) {
                assertEquals(3, BatchNormEstimate.estimate(model, batches, 24, 6, device));
            }
        }
        TinyTask.assertSameBits(first, second);
    }

    private static double[] toDoubles(float[] values) {
        double[] doubles = new double[values.length];
        Arrays.setAll(doubles, i -> values[i]);
        return doubles;
    }

    private Layer trained(int estimateOn, List<Double> losses) throws IOException {
        Dataset data = TinyTask.data(32, 1);
        Layer model = TinyTask.model(3);
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.01, 0, 0)),
                List.of(new Shrink(model)), device)) {
            new Trainer(step, BatchLoader.shuffled(data, 8, 7, null), data,
                    TrainerOptions.of(1, Schedule.constant()).withStatisticsOf(estimateOn)).listen(event -> {
                        if (event instanceof TrainingEvent.EpochFinished finished) {
                            losses.add(finished.test().orElseThrow().loss());
                        }
                    }).run();
        }
        return model;
    }
}
