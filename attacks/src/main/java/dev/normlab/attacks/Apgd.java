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
        try (ProgramsBySize<ApgdProgram> programs = new ProgramsBySize<>(
                sized -> new ApgdProgram(sized, options.variant().loss(), threat.ball(), options.draws()))) {
            int targets = targets(victim.classes());
            for (int number = 0; number < options.restarts() * targets; number++) {
                int run = number; // all targets once, then all of them again: what fewer restarts find, more find as well
                points.restart(run, victim, batch -> {
                    int[] goals = batch.labels().clone();
                    for (int i = 0; i < goals.length && targeted; i++) {
                        goals[i] = ranked[batch.point(Math.min(i, batch.count() - 1))][run % targets];
                    }
                    ApgdProgram program = programs.of(batch);
                    program.start(batch.clean(), batch.labels(), goals);
                    attack(program, threat, batch, start(threat, batch, seed, run));
                });
            }
        }
    }

    /// Where a run begins: random points on the boundary of its first ball, clipped to the box.
    private float[] start(ThreatModel threat, PointBatch batch, long seed, int restart) {
        ThreatModel first = new ThreatModel(threat.ball(), (float) stages(threat).getFirst().eps());
        float[] points = batch.clean().clone();
        int length = batch.length();
        batch.victim().device().workers().run(batch.count(), (i, worker) -> RandomStart.boundary(first, points, i * length, length,
                batch.random(seed, name(), i, restart)));
        return points;
    }

    private void attack(ApgdProgram program, ThreatModel threat, PointBatch batch, float[] start) {
        List<Stage> stages = stages(threat);
        int evaluations = stages.stream().mapToInt(stage -> stage.iterations() + 1).sum();
        int done = 0;
        boolean[] zeroGradient = new boolean[batch.count()];
        float[] points = start;
        for (Stage stage : stages) {
            if (done > 0) {
                points = shrunk(threat.ball(), batch, program.best(), stage.eps());
            }
            ApgdSteps steps = steps(threat.ball(), stage, points, batch.clean(), batch.length());
            program.begin(points, stage.eps(), steps.firstStep());
            float[] sizes = program.gradientSizes();
            for (int i = 0; i < zeroGradient.length; i++) {
                zeroGradient[i] |= sizes[i] == 0;
            }
            batch.pause(++done, evaluations);
            for (int step = 0; step < stage.iterations(); step++) {
                steps.prepare(program, step);
                program.step();
                steps.stepped(program, step);
                batch.pause(++done, evaluations);
            }
        }
        long passes = (long) done * options.draws() * batch.count();
        batch.owner().countPasses(passes, passes);
        tell(program, batch, zeroGradient);
    }

    private static void tell(ApgdProgram program, PointBatch batch, boolean[] zeroGradient) {
        Points points = batch.owner();
        boolean[] fooled = program.fooled();
        float[] adversarial = program.adversarial();
        for (int i = 0; i < batch.count(); i++) {
            if (zeroGradient[i]) {
                points.noteZeroGradient(batch.point(i));
            }
            if (fooled[i]) {
                points.move(batch.point(i), adversarial, i * batch.length(), true);
            }
        }
    }

    /// How points move in a stage that begins at some.
    ///
    /// @param points `[n, c, h, w]`, row-major
    /// @param clean  the images themselves
    ApgdSteps steps(ThreatModel.Ball ball, Stage stage, float[] points, float[] clean, int length) {
        int images = points.length / length;
        if (ball != ThreatModel.Ball.L1) {
            return new MomentumSteps(stage.eps(), options.rho(), stage.iterations(), images);
        }
        SparseSteps steps = new SparseSteps(stage.eps(), stage.iterations(), images, length);
        return options.largeFirst() ? steps.from(points, clean) : steps;
    }

    /// Brings the best points of a larger ball into a smaller one.
    private static float[] shrunk(ThreatModel.Ball ball, PointBatch batch, float[] best, double eps) {
        batch.victim().device().workers().run(best.length / batch.length(),
                (i, worker) -> ball.project(eps, batch.clean(), best, i * batch.length(), batch.length()));
        return best;
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
