package dev.normlab.attacks;

import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The losses of a batch and their gradient to the images: one forward and one backward pass, recorded once and replayed.
///
/// The loss of the program is the sum over the batch, so that an image's gradient does not depend on the others. Images and gradient live
/// in arrays that stay the same from step to step: an attack works on them directly, image by image, and a step makes no garbage worth
/// mentioning.
///
/// With several draws (expectation over transformation, Athalye et al. 2018, arXiv:1707.07397) losses, gradients and logits are means over
/// as many passes; that is for models with random numbers of their own.
final class LossProgram implements BatchProgram {

    private static final String IMAGES = "images";
    private static final String GRADIENT = "gradient";
    private static final String LOGITS = "logits";
    private static final String LOSSES = "losses";

    private final Victim victim;
    private final CompiledProgram compiled;
    private final int draws;
    private final AttackLoss.Goal goal;
    private final Tensor images;
    private final float[] gradient;
    private final float[] sum;
    private final int classes;
    private float[] losses = new float[0];
    private float[] logits = new float[0];

    /// @param draws passes whose mean is taken, at least 1
    LossProgram(Victim victim, AttackLoss loss, int draws) {
        this.victim = victim;
        this.draws = draws;
        this.goal = AttackLoss.Goal.of(victim.batchSize());
        this.images = Tensor.zeros(victim.batch().toArray());
        this.gradient = new float[victim.batch().elements()];
        this.sum = new float[draws > 1 ? victim.batch().elements() : 0];
        Recorder recorder = new Recorder(victim.device());
        Tensor feed = recorder.feed(IMAGES, images.spec());
        try (Tape tape = new Tape(recorder, List.of(feed))) {
            Tensor scores = victim.model().forward(tape, feed);
            Victim.requireClasses(scores.shape());
            classes = scores.shape().size(1);
            Tensor perImage = loss.of(tape, scores, goal);
            recorder.fetch(GRADIENT, tape.backward(Reductions.sum(tape, perImage, false)).of(feed));
            recorder.fetch(LOGITS, scores);
            recorder.fetch(LOSSES, perImage);
        }
        this.compiled = CompiledProgram.of(recorder.program(), victim.device());
    }

    /// The images, `[n, c, h, w]` row-major, to be written before [#evaluate]; the array itself.
    float[] images() {
        return images.storage().floats();
    }

    /// Passes that an evaluation takes.
    int draws() {
        return draws;
    }

    /// Sets the true classes and the classes to reach, `[n]` each; untargeted losses ignore the latter.
    void classes(int[] labels, int[] targets) {
        goal.set(labels, targets);
    }

    /// One forward and backward pass of all images for every draw.
    void evaluate() {
        images.storage().touch();
        for (int draw = 0; draw < draws; draw++) {
            long start = System.nanoTime();
            Map<String, Tensor> results = compiled.replay(Map.of(IMAGES, images));
            Tensor fresh = Objects.requireNonNull(results.get(GRADIENT), GRADIENT);
            fresh.storage().layout().unpack(fresh.shape(), fresh.storage().floats(), gradient);
            victim.countPassTime(System.nanoTime() - start);
            float[] newLosses = result(results, LOSSES);
            float[] newLogits = result(results, LOGITS);
            losses = draw == 0 ? newLosses : plus(losses, newLosses);
            logits = draw == 0 ? newLogits : plus(logits, newLogits);
            if (draws > 1) {
                for (int i = 0; i < sum.length; i++) {
                    sum[i] = draw == 0 ? gradient[i] : sum[i] + gradient[i];
                }
            }
        }
        if (draws > 1) {
            System.arraycopy(sum, 0, gradient, 0, sum.length);
            divide(gradient);
            divide(losses);
            divide(logits);
        }
    }

    /// The losses of the images, `[n]`.
    float[] losses() {
        return losses;
    }

    /// The logits, `[n, k]` row-major.
    float[] logits() {
        return logits;
    }

    /// The gradient of the summed losses, `[n, c, h, w]` row-major; the array itself, which the next evaluation overwrites.
    float[] gradient() {
        return gradient;
    }

    /// The class of an image: the largest logit, the lowest class on ties.
    int prediction(int image) {
        return Victim.argMax(logits, image, classes);
    }

    private static float[] result(Map<String, Tensor> results, String name) {
        return Objects.requireNonNull(results.get(name), name).toArray();
    }

    private static float[] plus(float[] total, float[] more) {
        for (int i = 0; i < total.length; i++) {
            total[i] += more[i];
        }
        return total;
    }

    private void divide(float[] total) {
        for (int i = 0; i < total.length; i++) {
            total[i] /= draws;
        }
    }

    @Override
    public void close() {
        compiled.close();
    }
}
