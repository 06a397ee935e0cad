package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Dropout;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import dev.normlab.nn.loss.Objective;
import java.util.List;
import java.util.Optional;

/// Adversarial training: makes adversarial images of every batch and minimises a [RobustLoss] of both. The whole step is recordable.
///
/// Images are made with the model in eval mode, which is brought back: start `x + 0.001 N(0, 1)`, then steps along the sign (linf) or each
/// image's unit vector (l2) of the gradient of what the loss says, each followed by projection to the ball and [0, 1]. Only the images'
/// gradient is computed, and the clean outputs of TRADES once. The noise of a step depends on the seed and the number of the step.
///
/// A loop of one's own calls [#beforeStep] to get new noise.
///
/// Besides the loss a step finds two accuracies: of the clean images, in train mode where the loss looks at them and in eval mode for
/// PGD-AT, and of the adversarial images in train mode.
public final class AdversarialObjective implements Objective {

    private static final float NOISE = 0.001f;
    private static final float SMALLEST_SQUARES = 1e-24f;

    private final RobustLoss loss;
    private final ThreatModel threat;
    private final float stepSize;
    private final int steps;
    private final Tensor counter;

    /// An objective that changes images within a ball.
    ///
    /// @param threat   linf or l2
    /// @param stepSize length of a step in the threat model's norm
    /// @param steps    of every batch
    /// @param seed     of the noise
    /// @throws IllegalArgumentException if the norm is l1 or a number is out of range
    public AdversarialObjective(RobustLoss loss, ThreatModel threat, float stepSize, int steps, long seed) {
        if (threat.ball() == ThreatModel.Ball.L1) {
            throw new IllegalArgumentException("adversarial training works in linf and l2, but got l1");
        }
        if (!(stepSize > 0 && stepSize < Float.POSITIVE_INFINITY) || steps < 1) {
            throw new IllegalArgumentException(
                    "adversarial training: the step size is above 0 and the steps at least 1, but got " + stepSize + " and "
                            + steps);
        }
        this.loss = loss;
        this.threat = threat;
        this.stepSize = stepSize;
        this.steps = steps;
        long key = RandomStream.of(seed, "adversarial training").state().key();
        this.counter = Tensor.ofInts(Shape.of(4), (int) key, (int) (key >>> 32), 0, 0).named("noise counter");
    }

    /// The reference's settings: linf, radius 0.031, ten steps of 0.007.
    public static AdversarialObjective reference(RobustLoss loss, long seed) {
        return new AdversarialObjective(loss, new ThreatModel(ThreatModel.Ball.LINF, 0.031f), 0.007f, 10, seed);
    }

    /// Adversarial images, through which no gradient flows, and the outputs for the clean images in eval mode, unless the loss looks at
    /// those in train mode alone.
    record Crafted(Tensor images, Optional<Tensor> cleanOutputs) {}

    /// Brings the noise to that of a step.
    @Override
    public void beforeStep(long step) {
        int[] now = counter.toIntArray();
        counter.setInts(now[0], now[1], (int) step, 0);
    }

    @Override
    public Outcome evaluate(Tape tape, Layer model, Tensor images, Tensor labels) {
        Crafted crafted = craft(tape, model, images, labels);
        // the clean images first, as the reference: the running statistics see both
        Tensor clean = loss.usesClean() ? model.forward(tape, images) : crafted.cleanOutputs().orElseThrow();
        Tensor adversarial = model.forward(tape, crafted.images());
        return new Outcome(loss.of(tape, clean, adversarial, labels), clean, Optional.of(adversarial));
    }

    /// Makes adversarial images in eval mode and brings the modes of all layers back.
    Crafted craft(Tape tape, Layer model, Tensor images, Tensor labels) {
        LayerModes modes = LayerModes.evaluating(model);
        try {
            return craftEvaluating(tape, model, images, labels);
        } finally {
            modes.restore();
        }
    }

    private Crafted craftEvaluating(Tape tape, Layer model, Tensor images, Tensor labels) {
        // a tape of its own that watches nothing: its memory belongs to the executor
        Tape constant = new Tape(tape.executor(), List.of());
        Optional<Tensor> clean = loss.craftsFromClean() || !loss.usesClean()
                ? Optional.of(model.forward(constant, images))
                : Optional.empty();
        Tensor distribution = loss.craftsFromClean() ? loss.distribution(constant, clean.orElseThrow()) : images;
        Tensor noise = Dropout.random(constant, new RandomFill(RandomFill.Kind.NORMAL, 1), images.shape(), counter);
        Tensor point = Arithmetic.add(constant, images, Arithmetic.scale(constant, noise, NOISE));
        for (int step = 0; step < steps; step++) {
            Tensor watched = constant.detach(point);
            try (Tape around = new Tape(tape.executor().nested(), List.of(watched))) {
                Tensor outputs = model.forward(around, watched);
                Tensor gradient = around.backward(loss.crafting(around, distribution, outputs, labels)).of(watched);
                point = around.keep(move(new Tape(around.executor(), List.of()), images, watched, gradient));
            }
        }
        return new Crafted(point, clean);
    }

    private Tensor move(Tape tape, Tensor clean, Tensor point, Tensor gradient) {
        Tensor direction = threat.ball() == ThreatModel.Ball.LINF
                ? Arithmetic.sign(tape, gradient)
                : Arithmetic.divide(tape, gradient, lengths(tape, gradient));
        Tensor moved = Arithmetic.add(tape, point, Arithmetic.scale(tape, direction, stepSize));
        Tensor delta = Arithmetic.subtract(tape, moved, clean);
        Tensor inside;
        if (threat.ball() == ThreatModel.Ball.LINF) {
            inside = Arithmetic.clamp(tape, delta, -threat.eps(), threat.eps());
        } else {
            Tensor share = Arithmetic.divide(tape, Tensor.scalar(threat.eps()), lengths(tape, delta));
            inside = Arithmetic.multiply(tape, delta, Arithmetic.clamp(tape, share, 0, 1));
        }
        return Arithmetic.clamp(tape, Arithmetic.add(tape, clean, inside), 0, 1);
    }

    /// The Euclidean length of every image, `[n, 1, 1, 1]`.
    private static Tensor lengths(Tape tape, Tensor x) {
        Tensor squares = Reductions.sum(tape, Arithmetic.square(tape, x), true, 1, 2, 3);
        return Arithmetic.sqrt(tape, Arithmetic.clamp(tape, squares, SMALLEST_SQUARES, Float.POSITIVE_INFINITY));
    }
}
