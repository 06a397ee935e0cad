package dev.normlab.attacks;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Steps of Auto-PGD for linf and l2 (Croce and Hein 2020, arXiv:2003.01690, equation 3 and section 3.2).
///
/// `v = P(x + η dir)`, `x⁺ = P(x + α (v - x) + (1 - α)(x - x_previous))` with `α = 0.75`, 1 in the first step; `P` projects to the ball and
/// the box, `dir` is the sign or the unit vector of the gradient. η begins at 2 eps and is halved at a checkpoint, for each image, if too
/// few steps since the last one raised the loss, or if η was not halved at the last one and the best loss has not changed since; the run
/// then goes on from its best point. The move itself is [dev.normlab.engine.program.Opcode#MOMENTUM_STEP].
final class MomentumSteps implements ApgdSteps {

    private static final float MOMENTUM = 0.75f;

    private final double eps;
    private final double rho;
    private final int[] checkpoints;
    private final boolean[] reducedLast;
    private final float[] bestLossLast;
    private float[] increasesLast;
    private int next;

    /// @param images of a batch
    MomentumSteps(double eps, double rho, int iterations, int images) {
        this.eps = eps;
        this.rho = rho;
        this.checkpoints = checkpoints(iterations);
        this.reducedLast = new boolean[images];
        this.bestLossLast = new float[images];
        this.increasesLast = new float[images];
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
    public void prepare(ApgdProgram program, int step) {
        if (step == 0) {
            program.share.set(1f);
        } else if (step == 1) {
            program.share.set(MOMENTUM);
        }
    }

    @Override
    public void stepped(ApgdProgram program, int step) {
        if (next == checkpoints.length || step + 1 < checkpoints[next]) {
            return;
        }
        int window = next == 0 ? checkpoints[0] : checkpoints[next] - checkpoints[next - 1];
        next++;
        float[] increases = program.increases(), bestLoss = program.bestLoss(), stepSize = program.stepSize.toArray();
        float[] returning = new float[stepSize.length];
        for (int i = 0; i < stepSize.length; i++) {
            boolean tooFew = increases[i] - increasesLast[i] <= rho * window;
            boolean stuck = !reducedLast[i] && bestLoss[i] <= bestLossLast[i];
            reducedLast[i] = tooFew || stuck;
            bestLossLast[i] = bestLoss[i];
            if (reducedLast[i]) {
                stepSize[i] /= 2;
                returning[i] = 1;
            }
        }
        increasesLast = increases;
        program.stepSize.set(stepSize);
        program.returnToBest(returning);
    }
}
