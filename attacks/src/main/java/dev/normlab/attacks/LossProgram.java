package dev.normlab.attacks;

import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import java.util.Map;
import java.util.Objects;

/// A [LossPass] for attacks that look at images and gradients on the host, recorded once and replayed.
///
/// Images and gradient live in arrays that stay the same from step to step: an attack works on them directly, image by image, and a step
/// makes no garbage worth mentioning.
final class LossProgram implements BatchProgram {

    private static final String IMAGES = "images";
    private static final String GRADIENT = "gradient";
    private static final String LOGITS = "logits";
    private static final String LOSSES = "losses";

    private final CompiledProgram compiled;
    private final AttackLoss.Goal goal;
    private final Tensor images;
    private final float[] gradient;
    private float[] losses = new float[0];
    private float[] logits = new float[0];

    /// @param draws passes whose mean is taken, at least 1
    LossProgram(Victim victim, AttackLoss loss, int draws) {
        this.goal = AttackLoss.Goal.of(victim.batchSize());
        this.images = Tensor.zeros(victim.batch().toArray());
        this.gradient = new float[victim.batch().elements()];
        Recorder recorder = new Recorder(victim.device());
        LossPass pass = LossPass.record(recorder, victim, loss, goal, recorder.feed(IMAGES, images.spec()), draws);
        recorder.fetch(GRADIENT, pass.gradient());
        recorder.fetch(LOGITS, pass.logits());
        recorder.fetch(LOSSES, pass.losses());
        this.compiled = CompiledProgram.of(recorder.program(), victim.device());
    }

    /// The images, `[n, c, h, w]` row-major, to be written before [#evaluate]; the array itself.
    float[] images() {
        return images.storage().floats();
    }

    /// Sets the true classes and the classes to reach, `[n]` each; untargeted losses ignore the latter.
    void classes(int[] labels, int[] targets) {
        goal.set(labels, targets);
    }

    /// One forward and backward pass of all images for every draw.
    void evaluate() {
        images.storage().touch();
        Map<String, Tensor> results = compiled.replay(Map.of(IMAGES, images));
        Tensor fresh = Objects.requireNonNull(results.get(GRADIENT), GRADIENT);
        fresh.storage().layout().unpack(fresh.shape(), fresh.storage().floats(), gradient);
        losses = result(results, LOSSES);
        logits = result(results, LOGITS);
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

    private static float[] result(Map<String, Tensor> results, String name) {
        return Objects.requireNonNull(results.get(name), name).toArray();
    }

    @Override
    public void close() {
        compiled.close();
    }
}
