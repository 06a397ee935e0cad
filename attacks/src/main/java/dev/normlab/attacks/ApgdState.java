package dev.normlab.attacks;

import java.util.Arrays;

/// What Auto-PGD knows of every image of a batch: the iterate with its loss and gradient, the point of the highest loss, and the latest
/// adversarial point.
///
/// All arrays of images are `[n, c, h, w]` row-major; `count` images of them are real. Everything is by image, so that no result depends on
/// the batch.
final class ApgdState {

    final ThreatModel.Ball ball;
    final PointBatch batch;
    final int count;
    final int length;
    final float[] clean;
    /// The iterate: the images of the program themselves.
    final float[] x;
    /// The gradient at which the next step is taken: that of the program, or the best one after a reduction.
    final float[] gradient;
    final float[] previous;
    final float[] best;
    final float[] bestGradient;
    final float[] adversarial;
    final boolean[] fooled;
    final double[] stepSize;
    final float[] loss;
    final float[] bestLoss;
    /// Steps since the last checkpoint that raised the loss.
    final int[] increases;
    private final LossProgram program;
    private long passes;
    private int evaluations;
    private final int allEvaluations;
    private final boolean[] zeroGradient;

    /// @param allEvaluations that the run will take
    ApgdState(LossProgram program, ThreatModel.Ball ball, PointBatch batch, int allEvaluations) {
        this.program = program;
        this.allEvaluations = allEvaluations;
        this.ball = ball;
        this.batch = batch;
        this.count = batch.count();
        this.length = batch.length();
        this.clean = batch.clean();
        this.x = program.images();
        this.gradient = program.gradient();
        this.previous = new float[x.length];
        this.best = new float[x.length];
        this.bestGradient = new float[x.length];
        this.adversarial = new float[x.length];
        this.fooled = new boolean[count];
        this.stepSize = new double[count];
        this.loss = new float[count];
        this.bestLoss = new float[count];
        this.increases = new int[count];
        this.zeroGradient = new boolean[count];
    }

    /// Begins at the iterates that are in `x` now, with steps of this length.
    void begin(double firstStep) {
        System.arraycopy(x, 0, previous, 0, x.length);
        Arrays.fill(stepSize, firstStep);
        Arrays.fill(increases, 0);
        Arrays.fill(bestLoss, Float.NEGATIVE_INFINITY);
        Arrays.fill(loss, Float.NaN);
        Arrays.fill(fooled, false);
        program.evaluate();
        System.arraycopy(x, 0, best, 0, x.length);
        System.arraycopy(gradient, 0, bestGradient, 0, x.length);
        judge();
        for (int i = 0; i < count; i++) {
            zeroGradient[i] |= isZeroGradient(i);
        }
    }

    /// Computes losses and gradients of the iterates and remembers what is best.
    void evaluate() {
        program.evaluate();
        judge();
    }

    private void judge() {
        float[] losses = program.losses();
        for (int i = 0; i < count; i++) {
            if (program.prediction(i) != batch.labels()[i]) {
                copy(x, adversarial, i);
                fooled[i] = true;
            }
            if (losses[i] > loss[i]) {
                increases[i]++;
            }
            loss[i] = losses[i];
            if (losses[i] > bestLoss[i]) {
                bestLoss[i] = losses[i];
                copy(x, best, i);
                copy(gradient, bestGradient, i);
            }
        }
        passes += program.draws() * (long) count;
        evaluations++;
        batch.pause(evaluations, allEvaluations);
    }

    /// Tells the points what the run has found.
    void finish() {
        Points points = batch.owner();
        points.countPasses(passes, passes);
        for (int i = 0; i < count; i++) {
            if (zeroGradient[i]) {
                points.noteZeroGradient(batch.point(i));
            }
            if (fooled[i]) {
                points.move(batch.point(i), adversarial, i * length, true);
            }
        }
    }

    /// Goes on from the point of the highest loss. The previous iterate, which momentum looks at, stays.
    void returnToBest(int i) {
        copy(best, x, i);
        copy(bestGradient, gradient, i);
    }

    void copy(float[] from, float[] to, int i) {
        System.arraycopy(from, i * length, to, i * length, length);
    }

    /// How many values of an image some points change.
    int changed(float[] points, int i) {
        int changed = 0;
        for (int j = i * length; j < (i + 1) * length; j++) {
            changed += points[j] != clean[j] ? 1 : 0;
        }
        return changed;
    }

    private boolean isZeroGradient(int i) {
        for (int j = i * length; j < (i + 1) * length; j++) {
            if (gradient[j] != 0) {
                return false;
            }
        }
        return true;
    }
}
