package dev.normlab.attacks;

/// The boundary between the true class and one other.
final class TargetedLinearisation implements Linearisation {

    private final LossProgram program;
    private final int length;

    TargetedLinearisation(Victim victim) {
        this.program = new LossProgram(victim, AttackLoss.LOGIT_DIFFERENCE, 1);
        this.length = victim.imageLength();
    }

    @Override
    public float[] images() {
        return program.images();
    }

    @Override
    public void classes(int[] labels, int[] targets) {
        program.classes(labels, targets);
    }

    @Override
    public void evaluate() {
        program.evaluate();
    }

    @Override
    public int backwardPasses() {
        return 1;
    }

    @Override
    public double boundary(ThreatModel.Ball ball, int image, float[] w, int offset) {
        System.arraycopy(program.gradient(), image * length, w, offset, length);
        return program.losses()[image];
    }

    @Override
    public void close() {
        program.close();
    }
}
