package dev.normlab.experiments.study;

import dev.normlab.attacks.Apgd;
import dev.normlab.attacks.ApgdOptions;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.Weights;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.spectral.ClippingHook;
import dev.normlab.nn.data.Augmentation;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.Evaluator;
import dev.normlab.nn.train.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// How long the parts of a run take on this machine, from doing each of them a few times with the study's own model, images and batch size.
final class ModelTimes {

    private static final int LEAST_STEPS = 4;
    private static final int MOST_STEPS = 60;
    private static final double ENOUGH_SECONDS = 1;
    private static final int EVALUATED = 256;
    private static final int ATTACKED = 64;
    private static final int FEW_STEPS = 3;
    private static final int MORE_STEPS = 9;
    /// A perturbation that hardly fools anybody, so that all images are attacked to the end.
    private static final float HARMLESS = 1e-6f;

    private final ModelSpec spec;
    private final DataSplits data;
    private final Device device;
    private final Layer model;

    ModelTimes(String model, DataSplits data, Device device) {
        this.spec = Weights.parse(model, data.train().classes());
        this.data = data;
        this.device = device;
        this.model = Models.create(spec, 0);
        Weights.summarize(this.model, data.train().shape(), device);
    }

    /// Classes of the model.
    int classes() {
        return spec.classes();
    }

    /// A training step without adversarial images and without clipping.
    ///
    /// @param start  what the first step takes longer than others: it is recorded and its memory planned
    /// @param batch  images
    /// @param steady one of the following steps, its images' preparation included
    record Step(double start, int batch, double steady) {}

    /// Times steps with the hooks of some settings.
    Step step(TrainingSettings settings) {
        int batchSize = Math.min(settings.batchSize(), data.train().size());
        BatchLoader loader = BatchLoader.shuffled(data.train(), batchSize, 0, settings.augment() ? Augmentation.cropAndFlip() : null);
        Layer trained = Models.create(spec, 0);
        Weights.summarize(trained, data.train().shape(), device);
        try (TrainingStep step = new TrainingStep(trained, Objective.crossEntropy(),
                new Sgd(trained, SgdOptions.of(1e-6, settings.momentum(), settings.weightDecay())),
                Method.hooks(trained, settings.normDecay(), settings.projectBn(), Optional.empty(), loader.batches()), device)) {
            List<Double> seconds = steps(step, loader, batchSize);
            double steady = median(seconds.subList(seconds.size() / 2, seconds.size()));
            return new Step(Math.max(0, seconds.getFirst() - steady), batchSize, steady);
        }
    }

    /// The seconds of some steps on whole batches, their preparation included.
    private static List<Double> steps(TrainingStep step, BatchLoader loader, int batchSize) {
        List<Double> seconds = new ArrayList<>();
        double spent = 0;
        for (int epoch = 0; true; epoch++) {
            try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                while (batches.hasNext()) {
                    if (seconds.size() >= MOST_STEPS || seconds.size() >= LEAST_STEPS && spent >= ENOUGH_SECONDS) {
                        return seconds;
                    }
                    long before = System.nanoTime();
                    Batch batch = batches.next();
                    if (batch.labelTensor().shape().size(0) == batchSize) { // the last batch of an epoch may be smaller
                        step.run(batch.imageTensor(), batch.labelTensor());
                        seconds.add(secondsSince(before));
                        spent += seconds.getLast();
                    }
                }
            }
        }
    }

    /// Does everything that is timed for some seconds, so that the compiler has compiled it.
    void warmUp(TrainingSettings settings, double seconds) {
        long began = System.nanoTime();
        do {
            step(settings);
            gradient();
            evaluation();
        } while (secondsSince(began) < seconds);
    }

    /// An image's evaluation.
    double evaluation() {
        Dataset some = data.test().first(Math.min(EVALUATED, data.test().size()));
        try (Evaluator evaluator = new Evaluator(model, EVALUATED, device)) {
            return steadily(() -> evaluator.evaluate(some)) / some.size();
        }
    }

    /// A gradient with respect to an image, a step of an attack included.
    double gradient() {
        Dataset some = data.test().first(Math.min(ATTACKED, data.test().size()));
        int[] labels = new int[some.size()];
        float[] images = new float[some.size() * some.shape().values()];
        try (Evaluator evaluator = new Evaluator(model, EVALUATED, device)) {
            float[] logits = evaluator.logits(some).toArray();
            for (int i = 0; i < labels.length; i++) {
                some.image(i, images, i * some.shape().values());
                labels[i] = largest(logits, i * spec.classes(), spec.classes());
            }
        }
        List<String> classes = IntStream.range(0, spec.classes()).mapToObj(Integer::toString).toList();
        Dataset right = Dataset.ofUnits("images that the model gets right", some.shape(), classes, images, labels);
        double more = steadily(() -> attack(right, MORE_STEPS));
        double few = steadily(() -> attack(right, FEW_STEPS));
        double whole = more / (MORE_STEPS + 1);
        return Math.clamp((more - few) / (MORE_STEPS - FEW_STEPS), whole / 2, whole) / some.size();
    }

    private void attack(Dataset images, int steps) {
        Apgd apgd = new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withIterations(steps).withRestarts(1));
        new RobustnessEvaluation(List.of(apgd), new ThreatModel(ThreatModel.Ball.LINF, HARMLESS), false, ATTACKED, 0).run(model, images,
                device, (_, _, _) -> {
                });
    }

    /// What an epoch's end takes beside the evaluation: norms, checkpoint, best weights.
    ///
    /// @throws IOException if no temporary file can be written
    double epochEnd() throws IOException {
        double norms = steadily(() -> LayerNorms.of(model, device));
        Path file = Files.createTempFile("normlab", ".safetensors");
        try {
            long before = System.nanoTime();
            Weights.save(model, spec, data.train().shape(), file);
            return norms + 3 * secondsSince(before); // the checkpoint has momenta as well, and the best weights are mostly written at first
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /// Seconds of a clipping pass, and of the clipping at an epoch's end.
    double[] clipping(Method.Clipping clipping) {
        Layer clipped = Models.create(spec, 0);
        Weights.summarize(clipped, data.train().shape(), device);
        Set<LayerKind> kinds = Set.of(LayerKind.CONV, LayerKind.LINEAR);
        ClippingHook pass = ClippingHook.everyFewSteps(clipped, clipping.limit(), kinds, clipping.svd(), clipping.clipFreq(), 1);
        ClippingHook end = ClippingHook.beforeEvaluation(clipped, clipping.limit(), kinds, clipping.svd(), clipping.operator(), 1);
        pass.clip(device);
        double once = steadily(() -> pass.clip(device));
        return new double[] {once, timed(() -> end.clip(device))};
    }

    private static int largest(float[] values, int from, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            best = values[from + i] > values[from + best] ? i : best;
        }
        return best;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    /// The time of work that is repeated for a second, the median of the later half.
    private static double steadily(Runnable work) {
        List<Double> seconds = new ArrayList<>();
        double spent = 0;
        while (seconds.size() < 2 || spent < ENOUGH_SECONDS) {
            seconds.add(timed(work));
            spent += seconds.getLast();
        }
        return median(seconds.subList(seconds.size() / 2, seconds.size()));
    }

    private static double timed(Runnable work) {
        long before = System.nanoTime();
        work.run();
        return secondsSince(before);
    }

    private static double secondsSince(long before) {
        return (System.nanoTime() - before) / 1e9;
    }
}
