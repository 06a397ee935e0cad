package dev.normlab.attacks;

import java.util.Arrays;

/// Steps of Auto-PGD for l1 (Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on image classifiers",
/// arXiv:2103.01208).
///
/// A step goes along the signs of the largest gradient entries, `η sign(g) / count`, then to the nearest point of the l1 ball and the box;
/// there is no momentum. The share of entries begins at 0.2, or in a run from given points ([#from]) at two thirds of the share that the
/// point changes, and becomes two thirds of the share that the best point changes. At a checkpoint (every 4% of the run), if the best point
/// has become sparser by 5%, η goes back to eps and the run to its best point; else η is divided by 1.5, down to eps / 10.
/// The move itself is [dev.normlab.engine.program.Opcode#SPARSE_STEP].
final class SparseSteps implements ApgdSteps {

    private static final double FIRST_SHARE = 0.2;
    private static final double SPARSER = 0.95;
    private static final double DIVISOR = 1.5;

    private final double eps;
    private final int window;
    private final int length;
    private final int[] rank;
    private final double[] changedLast;

    /// @param images of a batch
    /// @param length values of an image
    SparseSteps(double eps, int iterations, int images, int length) {
        this.eps = eps;
        this.window = Math.max((int) (0.04 * iterations), 1);
        this.length = length;
        this.rank = new int[images];
        this.changedLast = new double[images];
        Arrays.fill(rank, rank(FIRST_SHARE, length));
        Arrays.fill(changedLast, length);
    }

    /// Takes the points, with which a run begins, as given: the stages of a run with larger radii at first go on from those of the stage
    /// before.
    ///
    /// @param points `[n, c, h, w]`, row-major
    /// @param clean  the images themselves
    SparseSteps from(float[] points, float[] clean) {
        for (int i = 0; i < rank.length; i++) {
            int changed = 0;
            for (int j = i * length; j < (i + 1) * length; j++) {
                changed += points[j] != clean[j] ? 1 : 0;
            }
            look(i, changed);
        }
        return this;
    }

    private void look(int i, double changed) {
        rank[i] = rank(changed / length / DIVISOR, length);
        changedLast[i] = changed;
    }

    /// Where the smallest of the largest share of `length` numbers stands when they ascend; at least one of them belongs to it.
    static int rank(double share, int length) {
        return Math.clamp((long) ((1 - share) * length), 0, length - 1);
    }

    @Override
    public double firstStep() {
        return eps;
    }

    @Override
    public void prepare(ApgdProgram program, int step) {
        if (step % window == 0) {
            program.rank.setInts(rank);
        }
    }

    @Override
    public void stepped(ApgdProgram program, int step) {
        if ((step + 1) % window != 0) {
            return;
        }
        float[] changed = program.changedByBest(), stepSize = program.stepSize.toArray();
        float[] returning = new float[stepSize.length];
        for (int i = 0; i < stepSize.length; i++) {
            if (changed[i] < SPARSER * changedLast[i]) {
                stepSize[i] = (float) eps;
                returning[i] = 1;
            } else {
                stepSize[i] = (float) Math.clamp(stepSize[i] / DIVISOR, eps / 10, eps);
            }
            look(i, changed[i]);
        }
        program.stepSize.set(stepSize);
        program.returnToBest(returning);
    }
}
