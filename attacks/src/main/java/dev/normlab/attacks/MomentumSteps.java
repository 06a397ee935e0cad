package dev.normlab.attacks;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Steps of Auto-PGD for linf and l2 (Croce and Hein 2020, arXiv:2003.01690, equation 3 and section 3.2).
///
/// `v = P(x + η dir)`, `x⁺ = P(x + α (v - x) + (1 - α)(x - x_previous))` with `α = 0.75`, 1 in the first step; `P` projects to the ball and
/// the box, `dir` is the sign or the unit vector of the gradient. η begins at 2 eps and is halved at a checkpoint, for each image, if too
/// few steps since the last one raised the loss, or if η was not halved at the last one and the best loss has not changed since; the run
/// then goes on from its best point.
final class MomentumSteps implements ApgdSteps {

    private static final double MOMENTUM = 0.75;
    private static final double SHORTEST = 1e-12;

    private final double eps;
    private final double rho;
    private final int[] checkpoints;
    private final float[] ahead;
    private final boolean[] reducedLast;
    private final float[] bestLossLast;
    private int next;

    /// @param values of all images of a batch
    MomentumSteps(double eps, double rho, int iterations, int images, int values) {
        this.eps = eps;
        this.rho = rho;
        this.checkpoints = checkpoints(iterations);
        this.ahead = new float[values];
        this.reducedLast = new boolean[images];
        this.bestLossLast = new float[images];
        // off at the first checkpoint
        Arrays.fill(reducedLast, true);
    }

    /// After how many steps the checkpoints come: first after 22% of the run, then at distances that shrink by 3% to no less than 6%. For
    /// 100 steps after 22, 41, 57, 70, 80, 87, 93 and 99.
    static int[] checkpoints(int iterations) {
        int shrink = Math.max((int) (0.03 * iterations), 1);
        int shortest = Math.max((int) (0.06 * iterations), 1);
        int window = Math.max((int) (0.22 * iterations), 1);
        IntStream.Builder after = IntStream.builder();
        for (int step = window; step <= iterations; step += window) {
            after.add(step);
            window = Math.max(window - shrink, shortest);
        }
        return after.build().toArray();
    }

    @Override
    public double firstStep() {
        return 2 * eps;
    }

    @Override
    public void move(ApgdState s, int image, int step) {
        int from = image * s.length;
        int to = from + s.length;
        double stride = s.stepSize[image];
        double unit = s.ball == ThreatModel.Ball.L2 ? stride / Math.max(norm(s.gradient, from, to), SHORTEST) : 0;
        for (int j = from; j < to; j++) {
            float g = finite(s.gradient[j]);
            double along = s.ball == ThreatModel.Ball.L2 ? unit * g : stride * Math.signum(g);
            ahead[j] = (float) (s.x[j] + along);
        }
        BallProjection.project(s.ball, eps, s.clean, ahead, from, s.length);
        double share = step == 0 ? 1 : MOMENTUM;
        for (int j = from; j < to; j++) {
            float x = s.x[j];
            double next = x + share * ((double) ahead[j] - x) + (1 - share) * ((double) x - s.previous[j]);
            s.previous[j] = x;
            s.x[j] = (float) next;
        }
        BallProjection.project(s.ball, eps, s.clean, s.x, from, s.length);
    }

    private static double norm(float[] gradient, int from, int to) {
        double squares = 0;
        for (int j = from; j < to; j++) {
            double g = finite(gradient[j]);
            squares += g * g;
        }
        return Math.sqrt(squares);
    }

    /// An entry that is no number leads nowhere, an infinite one further than all finite ones.
    private static float finite(float entry) {
        return Float.isNaN(entry) ? 0 : Math.clamp(entry, -Float.MAX_VALUE, Float.MAX_VALUE);
    }

    @Override
    public void stepped(ApgdState s, int step) {
        if (next == checkpoints.length || step + 1 < checkpoints[next]) {
            return;
        }
        int window = next == 0 ? checkpoints[0] : checkpoints[next] - checkpoints[next - 1];
        next++;
        for (int i = 0; i < s.count; i++) {
            boolean tooFew = s.increases[i] <= rho * window;
            boolean stuck = !reducedLast[i] && s.bestLoss[i] <= bestLossLast[i];
            reducedLast[i] = tooFew || stuck;
            bestLossLast[i] = s.bestLoss[i];
            s.increases[i] = 0;
            if (reducedLast[i]) {
                s.stepSize[i] /= 2;
                s.returnToBest(i);
            }
        }
    }
}
