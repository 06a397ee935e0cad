package dev.normlab.attacks;

import dev.normlab.engine.kernel.BallProjection;

/// The fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): one step of length eps along the gradient's sign (linf) or unit
/// vector (l2), or on the largest entry (l1), then into the box. The moved image is the result whether or not it fools the model.
public final class Fgsm implements Attack {

    @Override
    public String name() {
        return "fgsm";
    }

    @Override
    public Passes passes(ThreatModel threat, int classes) {
        return new Passes(2, 1);
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        if (threat.ball() == ThreatModel.Ball.L1) {
            sparse(victim, threat, points);
            return;
        }
        try (ProgramsBySize<PgdProgram> programs = new ProgramsBySize<>(sized -> new PgdProgram(sized, threat.ball(), false))) {
            points.restart(0, victim, batch -> {
                PgdProgram program = programs.of(batch);
                program.start(batch.clean(), batch.clean(), batch.labels(), threat.eps(), threat.eps());
                program.step();
                batch.noteZeroGradients(program.gradientSizes());
                keep(batch, program.iterate());
            });
        }
    }

    private static void sparse(Victim victim, ThreatModel threat, Points points) {
        try (ProgramsBySize<LossProgram> programs = new ProgramsBySize<>(sized -> new LossProgram(sized, AttackLoss.CROSS_ENTROPY, 1))) {
            points.restart(0, victim, batch -> {
                LossProgram program = programs.of(batch);
                float[] x = program.images();
                System.arraycopy(batch.clean(), 0, x, 0, x.length);
                program.classes(batch.labels(), batch.labels());
                program.evaluate();
                batch.noteZeroGradients(GradientStep.sizes(program.gradient(), batch.length()));
                for (int i = 0; i < batch.count(); i++) {
                    steepest(threat, program.gradient(), batch.clean(), x, i * batch.length(), batch.length());
                }
                keep(batch, x);
            });
        }
    }

    /// All of eps on the largest gradient entries, shared equally among ties: the steepest direction of the l1 norm.
    static void steepest(ThreatModel threat, float[] gradient, float[] clean, float[] x, int offset, int length) {
        float largest = 0;
        for (int j = offset; j < offset + length; j++) {
            largest = Math.max(largest, Math.abs(gradient[j]));
        }
        int ties = 0;
        for (int j = offset; j < offset + length; j++) {
            ties += Math.abs(gradient[j]) == largest ? 1 : 0;
        }
        for (int j = offset; j < offset + length; j++) {
            boolean chosen = Math.abs(gradient[j]) == largest;
            x[j] = BallProjection.moved(clean[j], chosen ? Math.signum(gradient[j]) * (double) threat.eps() / ties : 0);
        }
    }

    /// A gradient that is not a number moves nothing.
    private static void keep(PointBatch batch, float[] moved) {
        for (int j = 0; j < moved.length; j++) {
            moved[j] = Float.isNaN(moved[j]) ? batch.clean()[j] : moved[j];
        }
        int[] predictions = batch.victim().predict(moved);
        batch.owner().countPasses(2L * batch.count(), batch.count());
        for (int i = 0; i < batch.count(); i++) {
            batch.owner().move(batch.point(i), moved, i * batch.length(), predictions[i] != batch.labels()[i]);
        }
    }
}
