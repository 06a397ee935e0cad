package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// One step of projected gradient descent on a full batch, recorded once: classify the iterate, remember it if it is the best so far, and
/// move on.
///
/// The state (iterate, best point, its loss, which images are fooled) lives in tensors that replays read and write, so a step needs nothing
/// from the host, which hears which images are fooled. The best point of an image is its first misclassified iterate, or else the one of
/// the highest loss.
///
/// In l1 a step goes along the signs of the largest 1% of the gradient's entries (SLIDE, Tramèr and Boneh 2019, arXiv:1904.13000, section
/// 3), `a sign(g) / count`, then to the nearest point of the ball and the box. On small images more entries take part, at least two for
/// each unit of the step's length: a value in the middle of the box has room for half a unit.
final class PgdProgram implements BatchProgram {

    private static final String FOOLED = "fooled";
    private static final String SIZES = "gradient sizes";
    private static final double SPARSE_SHARE = 0.01;

    private final Victim victim;
    private final ThreatModel.Ball ball;
    private final boolean targeted;
    private final CompiledProgram compiled;
    private final Tensor clean;
    private final Tensor iterate;
    private final Tensor best;
    private final Tensor bestLoss;
    private final Tensor fooled;
    private final Tensor labels;
    private final Tensor labelColumn;
    private final Tensor lowerClasses;
    private final Tensor eps;
    private final Tensor stepSize;
    private final Tensor rank;
    private float[] latestFooled;
    private float[] latestSizes;

    /// @param targeted whether labels are classes to reach rather than to leave
    PgdProgram(Victim victim, ThreatModel.Ball ball, boolean targeted) {
        int n = victim.batchSize();
        int[] shape = victim.batch().toArray();
        clean = Tensor.zeros(shape).named("clean images");
        iterate = Tensor.zeros(shape).named("iterate");
        best = Tensor.zeros(shape).named("best images");
        bestLoss = Tensor.zeros(n).named("best loss");
        fooled = Tensor.zeros(n).named(FOOLED);
        labels = Tensor.ofInts(Shape.of(n), new int[n]).named("labels");
        labelColumn = Tensor.ofInts(Shape.of(n, 1), new int[n]);
        lowerClasses = Tensor.zeros(n, victim.classes());
        eps = Tensor.scalar(0).named("eps");
        stepSize = Tensor.zeros(ball == ThreatModel.Ball.L1 ? n : 1).named("step size");
        rank = Tensor.ofInts(Shape.of(n), new int[n]).named("rank");
        this.victim = victim;
        this.ball = ball;
        this.targeted = targeted;
        Recorder recorder = new Recorder(victim.device());
        recorder.fetch(SIZES, compute(recorder));
        recorder.fetch(FOOLED, fooled);
        latestFooled = new float[n];
        latestSizes = new float[n];
        compiled = CompiledProgram.of(recorder.program(), victim.device());
    }

    /// Records or takes a step; the sizes of the gradients, `[n]`.
    private Tensor compute(Executor executor) {
        try (Tape tape = new Tape(executor, List.of(iterate))) {
            Tensor logits = victim.model().forward(tape, iterate);
            Tensor crossEntropy = Losses.crossEntropy(tape, logits, labels, CrossEntropyOptions.of(Reduction.NONE));
            Tensor loss = targeted ? Arithmetic.negate(tape, crossEntropy) : crossEntropy;
            Tensor gradient = tape.backward(Reductions.sum(tape, loss, false)).of(iterate);
            rememberBest(tape, logits, loss);
            Tensor sizes = tape.keep(Reductions.sum(tape, Arithmetic.abs(tape, gradient), false, 1, 2, 3));
            if (ball == ThreatModel.Ball.L1) {
                executor.update(Opcode.SPARSE_STEP, null, List.of(iterate), gradient, clean, rank, stepSize, eps);
            } else {
                GradientStep.move(executor, ball, iterate, gradient, clean, stepSize, eps);
            }
            return sizes;
        }
    }

    private void rememberBest(Tape tape, Tensor logits, Tensor loss) {
        Tensor hit = ball == ThreatModel.Ball.L1
                ? isLargestNumber(tape, logits)
                : Arithmetic.equalIndices(tape, Reductions.argMax(tape, logits, 1, false), labels);
        Tensor one = Tensor.scalar(1f);
        Tensor success = targeted ? hit : Arithmetic.subtract(tape, one, hit);
        Tensor open = Arithmetic.subtract(tape, one, fooled);
        Tensor better = Arithmetic.maximum(tape, success, Arithmetic.greater(tape, loss, bestLoss));
        Tensor take = Arithmetic.multiply(tape, open, better);
        Executor executor = tape.executor();
        executor.update(Opcode.ASSIGN, null, List.of(best), Arrangement.select(tape, take, iterate, best));
        executor.update(Opcode.ASSIGN, null, List.of(bestLoss), Arrangement.select(tape, take, loss, bestLoss));
        executor.update(Opcode.ASSIGN, null, List.of(fooled), Arithmetic.maximum(tape, fooled, success));
    }

    /// Whether the label's logit ranks first, as [Victim] judges: lower classes first on ties, NaN below all numbers. No class may beat it.
    /// (In linf and l2 steps take the engine's arg max, for which the first NaN is the largest; points are judged by [Victim] in the end.)
    private Tensor isLargestNumber(Tape tape, Tensor logits) {
        Tensor one = Tensor.scalar(1f);
        Tensor own = Arrangement.gather(tape, logits, 1, labelColumn);
        Tensor number = Arithmetic.equal(tape, logits, logits), ownNumber = Arithmetic.equal(tape, own, own);
        Tensor ownNan = Arithmetic.subtract(tape, one, ownNumber);
        Tensor bothNan = Arithmetic.multiply(tape, Arithmetic.subtract(tape, one, number), ownNan);
        Tensor tied = Arithmetic.add(tape, Arithmetic.equal(tape, logits, own), bothNan);
        Tensor beats = Arithmetic.add(tape, Arithmetic.greater(tape, logits, own), Arithmetic.multiply(tape, tied, lowerClasses));
        beats = Arithmetic.add(tape, beats, Arithmetic.multiply(tape, number, ownNan));
        return Arithmetic.equal(tape, Reductions.sum(tape, beats, false, 1), Tensor.scalar(0f));
    }

    /// Begins a run.
    ///
    /// @param cleanImages `[n, c, h, w]`, row-major
    /// @param startImages the first iterates
    /// @param givenLabels true classes, or targets
    /// @param radius      of the ball
    /// @param step        length of a step
    void start(float[] cleanImages, float[] startImages, int[] givenLabels, float radius, float step) {
        clean.set(cleanImages);
        iterate.set(startImages);
        best.set(cleanImages);
        float[] lowest = new float[givenLabels.length];
        Arrays.fill(lowest, Float.NEGATIVE_INFINITY);
        bestLoss.set(lowest);
        fooled.set(new float[givenLabels.length]);
        Arrays.fill(latestFooled, 0);
        labels.setInts(givenLabels);
        labelColumn.setInts(givenLabels);
        float[] lower = new float[lowerClasses.shape().elements()];
        for (int i = 0; i < lower.length; i++) {
            lower[i] = i % victim.classes() < givenLabels[i / victim.classes()] ? 1 : 0;
        }
        lowerClasses.set(lower);
        eps.set(radius);
        stepSize(step);
    }

    /// Sets the length of the steps from now on.
    void stepSize(float step) {
        float[] steps = new float[stepSize.shape().elements()];
        Arrays.fill(steps, step);
        stepSize.set(steps);
        int[] ranks = new int[rank.shape().elements()];
        int length = victim.imageLength();
        Arrays.fill(ranks, SparseSteps.rank(Math.clamp(2 * (double) step / length, SPARSE_SHARE, 1), length));
        rank.setInts(ranks);
    }

    /// Judges the iterate and moves it.
    void step() {
        Map<String, Tensor> results = compiled.replay(Map.of());
        latestFooled = Objects.requireNonNull(results.get(FOOLED)).toArray();
        latestSizes = Objects.requireNonNull(results.get(SIZES)).toArray();
    }

    /// As [#step], bitwise, computed at once instead of replayed.
    void stepEagerly() {
        latestSizes = compute(new EagerExecutor(victim.device())).toArray();
        latestFooled = fooled.toArray();
    }

    /// Which images have been misclassified (or have reached their targets) so far, 0 or 1.
    float[] fooled() {
        return latestFooled;
    }

    /// The losses of the best points so far; negative infinity for images of which no iterate was judged.
    float[] bestLoss() {
        return bestLoss.toArray();
    }

    /// The best points so far.
    float[] best() {
        return best.toArray();
    }

    /// The sums of the absolute values of the gradients at which the last step was taken, an image each; 0 where nothing could move.
    float[] gradientSizes() {
        return latestSizes;
    }

    /// The current iterates, which have not been judged yet.
    float[] iterate() {
        return iterate.toArray();
    }

    @Override
    public void close() {
        compiled.close();
    }
}
