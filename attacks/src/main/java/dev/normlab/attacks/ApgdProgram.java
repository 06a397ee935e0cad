package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// One step of Auto-PGD on a full batch, recorded once: keep the iterate if it is adversarial, go back to the best point where that was
/// decided, move, compute losses and gradients, and remember what is best.
///
/// What the attack knows of every image lives in tensors that replays read and write, so that on a device images and gradients stay there.
/// The host gives step sizes and decisions, `[n]` each, and hears losses, counts and logits ([ApgdSteps]); whether an iterate is
/// adversarial it judges itself, as [Victim] does. Everything is by image, so that no result depends on the batch.
final class ApgdProgram implements BatchProgram {

    private static final String SIZES = "gradient sizes";
    private static final String CHANGED = "changed values";
    private static final String INCREASES = "increases so far";
    private static final String BEST_LOSS = "best loss so far";
    private static final String STEP_SIZE = "step size";
    private static final String RETURNING = "returning";
    private static final String FOOLING = "fooling";
    private static final String BEGINNING = "beginning";
    private static final String LOGITS = "logits";
    private static final String RANK = "rank";

    /// The point whose loss and gradient are known, `[n, c, h, w]`.
    final Tensor iterate;
    /// The point from which the last move led to the iterate; in linf and l2.
    final Tensor previous;
    /// The gradient along which the next step goes.
    final Tensor gradient;
    /// The loss of the iterate, `[n]`, NaN before the first evaluation.
    final Tensor loss;
    /// How far the next step goes, `[n]`; images with 0 stay.
    final Tensor stepSize;
    /// In linf and l2, how much of the next move is the step (one element); the rest goes on in the direction of the last move.
    final Tensor share;
    /// In l1, the rank of the smallest gradient entry that moves when magnitudes ascend, int `[n]`.
    final Tensor rank;

    private final Victim victim;
    private final ThreatModel.Ball ball;
    private final AttackLoss.Goal goal;
    private final CompiledProgram compiled;
    private final Tensor clean;
    private final Tensor best;
    private final Tensor bestGradient;
    private final Tensor adversarial;
    private final Tensor bestLoss;
    private final Tensor increases;
    private final Tensor returning;
    private final Tensor fooling;
    private final Tensor beginning;
    private final Tensor eps;
    private final Map<String, Tensor> feeds;
    private final boolean[] fooled;
    private int[] trueClasses;
    private Map<String, Tensor> results = Map.of();

    /// @param draws passes whose mean is taken, at least 1
    ApgdProgram(Victim victim, AttackLoss loss, ThreatModel.Ball ball, int draws) {
        this.victim = victim;
        this.ball = ball;
        int n = victim.batchSize();
        goal = AttackLoss.Goal.of(n);
        clean = images("clean images");
        iterate = images("iterate");
        previous = images("previous iterate");
        gradient = images("gradient");
        best = images("best images");
        bestGradient = images("best gradient");
        adversarial = images("adversarial images");
        this.loss = Tensor.zeros(n).named("loss");
        bestLoss = Tensor.zeros(n).named("best loss");
        increases = Tensor.zeros(n).named("increases");
        returning = Tensor.zeros(n);
        fooling = Tensor.zeros(n);
        beginning = Tensor.zeros(n);
        fooled = new boolean[n];
        trueClasses = new int[n];
        stepSize = Tensor.zeros(n);
        rank = Tensor.ofInts(Shape.of(n), new int[n]);
        share = Tensor.scalar(1).named("share of the step");
        eps = Tensor.scalar(0).named("eps");
        Map<String, Tensor> given = new HashMap<>(
                Map.of(STEP_SIZE, stepSize, RETURNING, returning, FOOLING, fooling, BEGINNING, beginning));
        if (ball == ThreatModel.Ball.L1) {
            given.put(RANK, rank);
        }
        feeds = Map.copyOf(given);
        Recorder recorder = new Recorder(victim.device());
        recordMove(recorder);
        recordJudgement(recorder, LossPass.record(recorder, victim, loss, goal, iterate, draws));
        compiled = CompiledProgram.of(recorder.program(), victim.device());
    }

    private Tensor images(String name) {
        return Tensor.zeros(victim.batch().toArray()).named(name);
    }

    private void recordMove(Recorder recorder) {
        Tensor steps = recorder.feed(STEP_SIZE, stepSize.spec()), back = recorder.feed(RETURNING, returning.spec());
        try (Tape tape = new Tape(recorder, List.of())) {
            Tensor keep = recorder.feed(FOOLING, fooling.spec());
            assign(recorder, adversarial, Arrangement.select(tape, keep, iterate, adversarial));
            assign(recorder, iterate, Arrangement.select(tape, back, best, iterate));
            assign(recorder, gradient, Arrangement.select(tape, back, bestGradient, gradient));
        }
        switch (ball) {
            case LINF -> recordMomentum(recorder, StepDirection.SIGN, steps);
            case L2 -> recordMomentum(recorder, StepDirection.UNIT, steps);
            case L1 -> recorder.update(Opcode.SPARSE_STEP, null, List.of(iterate), gradient, clean, recorder.feed(RANK, rank.spec()), steps,
                    eps);
        }
    }

    private void recordMomentum(Recorder recorder, StepDirection direction, Tensor steps) {
        recorder.update(Opcode.MOMENTUM_STEP, direction, List.of(iterate, previous), gradient, clean, steps, eps, share);
    }

    private void recordJudgement(Recorder recorder, LossPass pass) {
        try (Tape tape = new Tape(recorder, List.of())) {
            assign(recorder, increases, Arithmetic.add(tape, increases, Arithmetic.greater(tape, pass.losses(), loss)));
            assign(recorder, loss, pass.losses());
            assign(recorder, gradient, pass.gradient());
            Tensor better = Arithmetic.greater(tape, pass.losses(), bestLoss);
            Tensor taken = Arithmetic.maximum(tape, better, recorder.feed(BEGINNING, beginning.spec()));
            assign(recorder, best, Arrangement.select(tape, taken, iterate, best));
            assign(recorder, bestGradient, Arrangement.select(tape, taken, gradient, bestGradient));
            assign(recorder, bestLoss, Arrangement.select(tape, better, pass.losses(), bestLoss));
            recorder.fetch(LOGITS, pass.logits());
            recorder.fetch(INCREASES, increases);
            recorder.fetch(BEST_LOSS, bestLoss);
            recorder.fetch(SIZES, Reductions.sum(tape, Arithmetic.abs(tape, gradient), false, 1, 2, 3));
            if (ball == ThreatModel.Ball.L1) {
                Tensor same = Reductions.sum(tape, Arithmetic.equal(tape, best, clean), false, 1, 2, 3);
                recorder.fetch(CHANGED, Arithmetic.subtract(tape, Tensor.scalar(victim.imageLength()), same));
            }
        }
    }

    private static void assign(Recorder recorder, Tensor target, Tensor value) {
        recorder.update(Opcode.ASSIGN, null, List.of(target), value);
    }

    /// Takes a batch.
    ///
    /// @param cleanImages `[n, c, h, w]`, row-major
    /// @param labels      true classes, `[n]`
    /// @param targets     classes to reach, `[n]`; untargeted losses ignore them
    void start(float[] cleanImages, int[] labels, int[] targets) {
        clean.set(cleanImages);
        goal.set(labels, targets);
        trueClasses = labels.clone();
    }

    /// Begins anew from some points and computes their losses and gradients.
    ///
    /// @param points    `[n, c, h, w]`, row-major, in the ball and the box
    /// @param radius    of the ball
    /// @param firstStep length of the first steps
    void begin(float[] points, double radius, double firstStep) {
        iterate.set(points);
        previous.set(points);
        eps.set((float) radius);
        loss.set(everywhere(Float.NaN));
        bestLoss.set(everywhere(Float.NEGATIVE_INFINITY));
        increases.set(everywhere(0));
        stepSize.set(everywhere(0));
        returning.set(everywhere(0)); // what the end of another run decided
        fooling.set(everywhere(0));
        Arrays.fill(fooled, false);
        beginning.set(everywhere(1));
        step();
        beginning.set(everywhere(0));
        stepSize.set(everywhere((float) firstStep));
    }

    private float[] everywhere(float value) {
        float[] values = new float[victim.batchSize()];
        Arrays.fill(values, value);
        return values;
    }

    /// Moves the images and computes losses and gradients.
    void step() {
        results = compiled.replay(feeds);
        returning.set(everywhere(0));
        float[] logits = result(LOGITS), now = everywhere(0);
        for (int i = 0; i < now.length; i++) {
            if (Victim.argMax(logits, i, victim.classes()) != trueClasses[i]) {
                now[i] = 1;
                fooled[i] = true;
            }
        }
        fooling.set(now);
    }

    /// Lets images go on from their best points in the next step. The previous iterate, which momentum looks at, stays.
    ///
    /// @param images `[n]`, 1 for those that do and 0 for the others
    void returnToBest(float[] images) {
        returning.set(images);
    }

    /// Steps since the beginning that raised the loss, `[n]`.
    float[] increases() {
        return result(INCREASES);
    }

    /// The highest loss since the beginning, `[n]`.
    float[] bestLoss() {
        return result(BEST_LOSS);
    }

    /// The points of the highest loss, `[n, c, h, w]` row-major.
    float[] best() {
        return best.toArray();
    }

    /// Which images have been misclassified since the beginning.
    boolean[] fooled() {
        return fooled.clone();
    }

    /// The latest misclassified points of images that are [#fooled], `[n, c, h, w]` row-major. Those of the last step have not been kept
    /// yet.
    float[] adversarial() {
        float[] points = adversarial.toArray(), latest = iterate.toArray(), now = fooling.toArray();
        int length = victim.imageLength();
        for (int i = 0; i < now.length; i++) {
            if (now[i] != 0) {
                System.arraycopy(latest, i * length, points, i * length, length);
            }
        }
        return points;
    }

    /// The sums of the absolute values of the gradients of the iterates, `[n]`; 0 where nothing can move.
    float[] gradientSizes() {
        return result(SIZES);
    }

    /// In l1, how many values of each image its best point changes, `[n]`.
    float[] changedByBest() {
        return result(CHANGED);
    }

    private float[] result(String name) {
        return Objects.requireNonNull(results.get(name), name).toArray();
    }

    @Override
    public void close() {
        compiled.close();
    }
}
