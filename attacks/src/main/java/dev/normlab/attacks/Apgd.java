package dev.normlab.attacks;

import java.util.ArrayList;
import java.util.List;

/// Auto-PGD (Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks",
/// arXiv:2003.01690; for l1 2021, arXiv:2103.01208): projected gradient ascent with momentum whose step size follows the progress of each
/// image, so that nothing needs tuning.
///
/// An image gives its last misclassified iterate, if there was any; else it stays as it is. A run never ends early: it takes `iterations +
/// 1` passes forward and backward for each image and restart (and draw); in l1, with larger radii at first, one more for each of the three
/// radii. The targeted variant aims at the classes that rank next to the true one on the clean image, one after the other, and then, with
/// several restarts, at all of them again; any misclassification counts.
///
/// [MomentumSteps] and [SparseSteps] say how points move.
public final class Apgd implements Attack {

    private static final double[] RADII = {3, 2, 1};
    private static final double[] SHARES = {0.3, 0.3};

    private final ApgdOptions options;

    /// An attack with these options.
    public Apgd(ApgdOptions options) {
        this.options = options;
    }

    /// A part of a run with a radius of its own: l1 runs may begin with larger ones.
    ///
    /// @param eps        the radius
    /// @param iterations its steps
    record Stage(double eps, int iterations) {}

    @Override
    public String name() {
        return options.variant().attack();
    }

    @Override
    public boolean isExactFor(int classes) {
        return options.variant().loss().isExactFor(classes);
    }

    @Override
    public int restarts(int classes) {
        return options.restarts() * targets(classes);
    }

    /// The classes that an image is led to, one after the other; 1 without targets.
    private int targets(int classes) {
        return options.variant() == ApgdOptions.Variant.TARGETED ? Math.min(options.targets(), classes - 1) : 1;
    }

    @Override
    public Passes passes(ThreatModel threat, int classes) {
        long evaluations = stages(threat).stream().mapToLong(stage -> stage.iterations() + 1L).sum();
        return Passes.gradients(evaluations).times((long) options.draws() * restarts(classes));
    }

    @Override
    public String settings() {
        return options.toString();
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        boolean targeted = options.variant() == ApgdOptions.Variant.TARGETED;
        int[][] ranked = targeted ? TargetRanks.of(victim, points) : new int[0][];
        try (ProgramsBySize<LossProgram> programs = new ProgramsBySize<>(
                sized -> new LossProgram(sized, options.variant().loss(), options.draws()))) {
            int targets = targets(victim.classes());
            for (int number = 0; number < options.restarts() * targets; number++) {
                int run = number; // all targets once, then all of them again: what fewer restarts find, more find as well
                points.restart(run, victim, batch -> {
                    LossProgram program = programs.of(batch);
                    int[] goals = batch.labels().clone();
                    for (int i = 0; i < goals.length && targeted; i++) {
                        goals[i] = ranked[batch.point(Math.min(i, batch.count() - 1))][run % targets];
                    }
                    program.classes(batch.labels(), goals);
                    attack(victim, program, threat, batch, seed, run);
                });
            }
        }
    }

    private void attack(Victim victim, LossProgram program, ThreatModel threat, PointBatch batch, long seed, int restart) {
        List<Stage> stages = stages(threat);
        int evaluations = stages.stream().mapToInt(stage -> stage.iterations() + 1).sum();
        ApgdState state = new ApgdState(program, threat.ball(), batch, evaluations);
        System.arraycopy(batch.clean(), 0, state.x, 0, state.x.length);
        ThreatModel first = new ThreatModel(threat.ball(), (float) stages.getFirst().eps());
        victim.device().workers().run(state.count, (i, worker) -> RandomStart.boundary(first, state.x, i * state.length, state.length,
                batch.random(seed, name(), i, restart)));
        for (int s = 0; s < stages.size(); s++) {
            if (s > 0) {
                shrinkInto(victim, state, stages.get(s).eps());
            }
            climb(victim, state, stages.get(s));
        }
        state.finish();
    }

    private void climb(Victim victim, ApgdState state, Stage stage) {
        ApgdSteps steps = steps(state, stage);
        state.begin(steps.firstStep());
        for (int step = 0; step < stage.iterations(); step++) {
            int now = step;
            victim.device().workers().run(state.count, (i, worker) -> steps.move(state, i, now));
            state.evaluate();
            steps.stepped(state, step);
        }
    }

    /// How points move in a stage that begins at the iterates of now.
    ApgdSteps steps(ApgdState state, Stage stage) {
        if (state.ball != ThreatModel.Ball.L1) {
            return new MomentumSteps(stage.eps(), options.rho(), stage.iterations(), state.count, state.x.length);
        }
        SparseSteps steps = new SparseSteps(stage.eps(), stage.iterations(), state.count, state.length);
        return options.largeFirst() ? steps.from(state) : steps;
    }

    /// Brings the best points of a larger ball into a smaller one.
    private static void shrinkInto(Victim victim, ApgdState state, double eps) {
        victim.device().workers().run(state.count, (i, worker) -> {
            state.copy(state.best, state.x, i);
            BallProjection.project(state.ball, eps, state.clean, state.x, i * state.length, state.length);
        });
    }

    /// The radii of a run: 3, 2 and 1 times eps for 30, 30 and 40% of the steps if asked for in l1, else eps alone. The first two shares
    /// are rounded up, but the last stage has at least one step.
    List<Stage> stages(ThreatModel threat) {
        if (threat.ball() != ThreatModel.Ball.L1 || !options.largeFirst()) {
            return List.of(new Stage(threat.eps(), options.iterations()));
        }
        List<Stage> stages = new ArrayList<>();
        int left = options.iterations();
        for (int s = 0; s < RADII.length; s++) {
            int steps = s < SHARES.length ? Math.min((int) Math.ceil(SHARES[s] * options.iterations()), left - 1) : left;
            left -= steps;
            if (steps > 0) {
                stages.add(new Stage(RADII[s] * threat.eps(), steps));
            }
        }
        return stages;
    }
}
