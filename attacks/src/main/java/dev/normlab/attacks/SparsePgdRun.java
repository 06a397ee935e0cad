package dev.normlab.attacks;

import java.util.Arrays;

/// Projected gradient descent in the l1 ball: steps along the signs of the largest 1% of the gradient's entries (SLIDE, Tramèr and Boneh
/// 2019, arXiv:1904.13000, section 3), `a sign(g) / count`, then to the nearest point of the ball and the box. On small images more entries
/// take part, at least two for each unit of the step's length: a value in the middle of the box has room for half a unit.
final class SparsePgdRun implements PgdRun {

    private static final double SHARE = 0.01;

    private final Victim victim;
    private final LossProgram program;
    private final boolean targeted;
    private final float[] best;
    private final float[] bestLoss;
    private final float[] fooled;
    private final float[] sizes;
    private float[] clean = new float[0];
    private int[] labels = new int[0];
    private double eps;
    private double stepSize;

    /// @param targeted whether labels are classes to reach rather than to leave
    SparsePgdRun(Victim victim, boolean targeted) {
        this.victim = victim;
        this.targeted = targeted;
        this.program = new LossProgram(victim, targeted ? AttackLoss.TARGETED_CROSS_ENTROPY : AttackLoss.CROSS_ENTROPY, 1);
        this.best = new float[victim.batch().elements()];
        this.bestLoss = new float[victim.batchSize()];
        this.fooled = new float[victim.batchSize()];
        this.sizes = new float[victim.batch().elements()];
    }

    @Override
    public void start(float[] cleanImages, float[] startImages, int[] givenLabels, float radius, float step) {
        clean = cleanImages;
        labels = givenLabels.clone();
        eps = radius;
        stepSize = step;
        System.arraycopy(startImages, 0, program.images(), 0, startImages.length);
        System.arraycopy(cleanImages, 0, best, 0, best.length);
        Arrays.fill(bestLoss, Float.NEGATIVE_INFINITY);
        Arrays.fill(fooled, 0);
        program.classes(labels, labels);
    }

    @Override
    public void step() {
        program.evaluate();
        victim.device().workers().run(victim.batchSize(), (i, worker) -> {
            judge(i);
            move(i);
        });
    }

    private void judge(int i) {
        boolean hit = program.prediction(i) == labels[i];
        boolean success = targeted == hit;
        if (fooled[i] == 0 && (success || program.losses()[i] > bestLoss[i])) {
            bestLoss[i] = program.losses()[i];
            System.arraycopy(program.images(), i * victim.imageLength(), best, i * victim.imageLength(), victim.imageLength());
            fooled[i] = success ? 1 : 0;
        }
    }

    private void move(int i) {
        int length = victim.imageLength();
        int from = i * length;
        float[] x = program.images();
        float[] g = program.gradient();
        float threshold = SparseSteps.threshold(g, sizes, from, length, Math.min(Math.max(SHARE, 2 * stepSize / length), 1));
        int chosen = 0;
        for (int j = from; j < from + length; j++) {
            chosen += g[j] != 0 && Math.abs(g[j]) >= threshold ? 1 : 0;
        }
        for (int j = from; j < from + length && chosen > 0; j++) {
            if (Math.abs(g[j]) >= threshold) {
                x[j] = (float) (x[j] + stepSize / chosen * Math.signum(g[j]));
            }
        }
        BallProjection.project(ThreatModel.Ball.L1, eps, clean, x, from, length);
    }

    @Override
    public float[] fooled() {
        return fooled;
    }

    @Override
    public float[] bestLoss() {
        return bestLoss;
    }

    @Override
    public float[] best() {
        return best;
    }

    @Override
    public float[] gradientSizes() {
        return GradientStep.sizes(program.gradient(), victim.imageLength());
    }

    @Override
    public void close() {
        program.close();
    }
}
