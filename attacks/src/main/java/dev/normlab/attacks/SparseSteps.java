package dev.normlab.attacks;

import java.util.Arrays;

/// Steps of Auto-PGD for l1 (Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on image classifiers",
/// arXiv:2103.01208).
///
/// A step goes along the signs of the largest gradient entries, `η sign(g) / count`, then to the nearest point of the l1 ball and the box;
/// there is no momentum. The share of entries begins at 0.2, or in a run from given points ([#from]) at two thirds of the share that the
/// point changes, and becomes two thirds of the share that the best point changes. At a checkpoint (every 4% of the run), if the best point
/// has become sparser by 5%, η goes back to eps and the run to its best point; else η is divided by 1.5, down to eps / 10.
final class SparseSteps implements ApgdSteps {

    private static final double FIRST_SHARE = 0.2;
    private static final double SPARSER = 0.95;
    private static final double DIVISOR = 1.5;

    private final double eps;
    private final int window;
    private final double[] share;
    private final double[] changedLast;
    private final float[] sizes;

    /// @param length values of an image
    SparseSteps(double eps, int iterations, int images, int length) {
        this.eps = eps;
        this.window = Math.max((int) (0.04 * iterations), 1);
        this.share = new double[images];
        this.changedLast = new double[images];
        this.sizes = new float[images * length];
        Arrays.fill(share, FIRST_SHARE);
        Arrays.fill(changedLast, length);
    }

    /// Takes the iterates as given points: the stages of a run with larger radii at first go on from those of the stage before.
    SparseSteps from(ApgdState s) {
        for (int i = 0; i < s.count; i++) {
            look(s, i, s.changed(s.x, i));
        }
        return this;
    }

    private void look(ApgdState s, int i, int changed) {
        share[i] = changed / (double) s.length / DIVISOR;
        changedLast[i] = changed;
    }

    @Override
    public double firstStep() {
        return eps;
    }

    @Override
    public void move(ApgdState s, int image, int step) {
        int from = image * s.length;
        int to = from + s.length;
        System.arraycopy(s.x, from, s.previous, from, s.length);
        float threshold = threshold(s.gradient, sizes, from, s.length, share[image]);
        int chosen = 0;
        for (int j = from; j < to; j++) {
            chosen += s.gradient[j] != 0 && Math.abs(s.gradient[j]) >= threshold ? 1 : 0;
        }
        double stride = chosen == 0 ? 0 : s.stepSize[image] / chosen;
        for (int j = from; j < to; j++) {
            if (Math.abs(s.gradient[j]) >= threshold) {
                s.x[j] = (float) (s.x[j] + stride * Math.signum(s.gradient[j]));
            }
        }
        BallProjection.project(ThreatModel.Ball.L1, eps, s.clean, s.x, from, s.length);
    }

    /// The smallest magnitude among the largest share of a gradient's entries `from .. from + length - 1`, at least one of them.
    ///
    /// @param sizes scratch as long as `gradient`
    static float threshold(float[] gradient, float[] sizes, int from, int length, double share) {
        for (int j = from; j < from + length; j++) {
            float size = Math.abs(gradient[j]);
            sizes[j] = Float.isNaN(size) ? 0 : size;
        }
        Arrays.sort(sizes, from, from + length);
        return sizes[from + Math.clamp((long) ((1 - share) * length), 0, length - 1)];
    }

    @Override
    public void stepped(ApgdState s, int step) {
        if ((step + 1) % window != 0) {
            return;
        }
        for (int i = 0; i < s.count; i++) {
            int changed = s.changed(s.best, i);
            s.increases[i] = 0;
            if (changed < SPARSER * changedLast[i]) {
                s.stepSize[i] = eps;
                s.returnToBest(i);
            } else {
                s.stepSize[i] = Math.clamp(s.stepSize[i] / DIVISOR, eps / 10, eps);
            }
            look(s, i, changed);
        }
    }
}
