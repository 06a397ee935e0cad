package dev.normlab.attacks;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The nearest of the boundaries to all other classes, judged by `|f_l| / (1e-12 + ‖g_l‖_q)` with the dual norm q. One forward pass and as
/// many backward passes as there are classes.
final class NearestLinearisation implements Linearisation {

    private static final String IMAGES = "images";
    private static final String GRADIENT = "gradient of logit ";
    private static final String LOGITS = "logits";
    private static final double SMALLEST_NORM = 1e-12;

    private final CompiledProgram compiled;
    private final Tensor images;
    private final List<float[]> gradients = new ArrayList<>();
    private final int length;
    private final int classes;
    private int[] labels = new int[0];
    private float[] logits = new float[0];

    NearestLinearisation(Victim victim) {
        this.length = victim.imageLength();
        this.classes = victim.classes();
        this.images = Tensor.zeros(victim.batch().toArray());
        Recorder recorder = new Recorder(victim.device());
        Tensor feed = recorder.feed(IMAGES, images.spec());
        try (Tape tape = new Tape(recorder, List.of(feed))) {
            Tensor scores = victim.model().forward(tape, feed);
            for (int k = 0; k < classes; k++) {
                recorder.fetch(GRADIENT + k, tape.backward(scores, oneHot(victim.batchSize(), k)).of(feed));
                gradients.add(new float[victim.batch().elements()]);
            }
            recorder.fetch(LOGITS, scores);
        }
        this.compiled = CompiledProgram.of(recorder.program(), victim.device());
    }

    private Tensor oneHot(int n, int k) {
        float[] values = new float[n * classes];
        for (int i = 0; i < n; i++) {
            values[i * classes + k] = 1;
        }
        Tensor tensor = Tensor.zeros(n, classes);
        tensor.set(values);
        return tensor;
    }

    @Override
    public float[] images() {
        return images.storage().floats();
    }

    @Override
    public void classes(int[] givenLabels, int[] targets) {
        labels = givenLabels.clone();
    }

    @Override
    public void evaluate() {
        images.storage().touch();
        Map<String, Tensor> results = compiled.replay(Map.of(IMAGES, images));
        for (int k = 0; k < classes; k++) {
            Tensor fresh = Objects.requireNonNull(results.get(GRADIENT + k), GRADIENT);
            fresh.storage().layout().unpack(fresh.shape(), fresh.storage().floats(), gradients.get(k));
        }
        logits = Objects.requireNonNull(results.get(LOGITS), LOGITS).toArray();
    }

    @Override
    public int backwardPasses() {
        return classes;
    }

    @Override
    public double boundary(ThreatModel.Ball ball, int image, float[] w, int offset) {
        int label = labels[image];
        int nearest = -1;
        double least = Double.POSITIVE_INFINITY;
        for (int k = 0; k < classes; k++) {
            double distance = k == label ? Double.POSITIVE_INFINITY : difference(image, k) / (SMALLEST_NORM + dualNorm(ball, image, k));
            if (nearest < 0 && k != label || distance < least) {
                nearest = k;
                least = distance;
            }
        }
        float[] of = gradients.get(nearest);
        float[] minus = gradients.get(label);
        for (int j = 0; j < length; j++) {
            w[offset + j] = of[image * length + j] - minus[image * length + j];
        }
        return (double) logits[image * classes + nearest] - logits[image * classes + label];
    }

    private double difference(int image, int k) {
        return Math.abs((double) logits[image * classes + k] - logits[image * classes + labels[image]]);
    }

    private double dualNorm(ThreatModel.Ball ball, int image, int k) {
        float[] of = gradients.get(k);
        float[] minus = gradients.get(labels[image]);
        double largest = 0;
        double squares = 0;
        double sum = 0;
        for (int j = image * length; j < (image + 1) * length; j++) {
            double size = Math.abs((double) of[j] - minus[j]);
            largest = Math.max(largest, size);
            squares += size * size;
            sum += size;
        }
        return switch (ball) {
            case LINF -> sum;
            case L2 -> Math.sqrt(squares);
            case L1 -> largest;
        };
    }

    @Override
    public void close() {
        compiled.close();
    }
}
