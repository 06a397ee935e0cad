package dev.normlab.experiments.bench;

import dev.normlab.attacks.Apgd;
import dev.normlab.attacks.ApgdOptions;
import dev.normlab.attacks.Points;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.attacks.Victim;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/// Times Auto-PGD on the cross entropy on one full batch, beside the time that its passes through the model take.
///
/// The images get the classes that the model gives them, so that all of them are attacked; Auto-PGD takes `steps + 1` passes forward and
/// backward for each, fooled or not.
public final class AttackBenchmark {

    private static final int WARMUP_STEPS = 3;
    // Before kernels are compiled, their vectors are objects.
    private static final double WARMUP_SECONDS = 5;
    private static final int PASSES = 5;

    private final Layer model;
    private final Dataset images;
    private final ThreatModel threat;
    private final int steps;

    /// What was measured.
    ///
    /// @param imageStepsPerSecond   images times steps per second of the whole attack, its beginning included
    /// @param seconds               of the attack
    /// @param passShare             the time of as many passes alone, as a part of the attack's; they fetch gradients, so it may exceed 1
    /// @param allocatedBytesPerStep heap that all threads together allocate for a step more; empty where it is not counted
    public record Result(double imageStepsPerSecond, double seconds, double passShare, OptionalDouble allocatedBytesPerStep) {}

    /// A benchmark of one batch.
    ///
    /// @param images one batch
    /// @param steps  of the attack that is timed
    public AttackBenchmark(Layer model, Dataset images, ThreatModel threat, int steps) {
        this.model = model;
        this.images = images;
        this.threat = threat;
        this.steps = steps;
    }

    /// Measures, after short attacks to warm up. The model is left in the mode it was in.
    public Result run(Device device) {
        ImageShape image = images.shape();
        try (Victim victim = new Victim(model, device, Shape.of(image.channels(), image.height(), image.width()), images.size())) {
            Dataset right = withPredictions(victim);
            long start = System.nanoTime();
            do {
                attack(victim, right, WARMUP_STEPS);
            } while ((System.nanoTime() - start) / 1e9 < WARMUP_SECONDS);
            Run shorter = attack(victim, right, 1);
            Run run = attack(victim, right, steps);
            // the difference leaves out what an attack allocates once; what the compiler saves in between can make it negative
            boolean counted = run.bytes >= 0 && steps > 1;
            OptionalDouble garbage = counted
                    ? OptionalDouble.of(Math.max(0, run.bytes - shorter.bytes) / (steps - 1.0))
                    : OptionalDouble.empty();
            double passShare = (steps + 1) * victim.passSeconds(pixels(right), labels(right), PASSES) / run.seconds;
            return new Result(steps * (double) images.size() / run.seconds, run.seconds, passShare, garbage);
        }
    }

    /// @param bytes allocated; -1 where it is not counted
    private record Run(double seconds, long bytes) {}

    private Run attack(Victim victim, Dataset data, int iterations) {
        Points points = new Points(data, IntStream.range(0, data.size()).toArray());
        Apgd apgd = new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withIterations(iterations));
        OptionalLong before = ProcessMemory.allocatedBytes();
        long start = System.nanoTime();
        apgd.run(victim, threat, points, 0);
        double seconds = (System.nanoTime() - start) / 1e9;
        OptionalLong after = ProcessMemory.allocatedBytes();
        long bytes = before.isPresent() && after.isPresent() ? after.getAsLong() - before.getAsLong() : -1;
        return new Run(seconds, bytes);
    }

    private Dataset withPredictions(Victim victim) {
        float[] values = pixels(images);
        int[] labels = victim.predict(values);
        int classes = Math.max(images.classes(), Arrays.stream(labels).max().orElse(0) + 1);
        return Dataset.ofUnits(images.name(), images.shape(), IntStream.range(0, classes).mapToObj(Integer::toString).toList(), values,
                labels);
    }

    private static float[] pixels(Dataset data) {
        int length = data.shape().values();
        float[] values = new float[data.size() * length];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, values, i * length);
        }
        return values;
    }

    private static int[] labels(Dataset data) {
        return IntStream.range(0, data.size()).map(data::label).toArray();
    }
}
