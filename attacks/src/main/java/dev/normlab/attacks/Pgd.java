package dev.normlab.attacks;

import dev.normlab.nn.data.Dataset;
import java.util.Arrays;
import java.util.function.IntBinaryOperator;
import java.util.stream.IntStream;

/// Projected gradient descent on the cross entropy (Madry et al. 2018, arXiv:1706.06083) with random start, restarts and targets.
///
/// `x ← Proj(x + a · dir(∇ loss))` with the sign (linf) or the unit vector (l2) as direction; for l1 see [PgdProgram]. Each image gives
/// its first misclassified iterate, or else the one of the highest loss over all restarts; `eps = 0` gives the clean image exactly.
public final class Pgd implements Attack {

    private final PgdOptions options;

    /// An attack with these options.
    public Pgd(PgdOptions options) {
        this.options = options;
    }

    @Override
    public String name() {
        return "pgd";
    }

    @Override
    public int restarts(int classes) {
        return options.restarts();
    }

    @Override
    public Passes passes(ThreatModel threat, int classes) {
        return Passes.gradients(options.iterations() + 1L).times(options.restarts());
    }

    @Override
    public String settings() {
        return options.toString();
    }

    @Override
    public String settings(Dataset data) {
        if (options.target().isEmpty()) {
            return settings();
        }
        IntBinaryOperator target = options.target().get();
        int[] targets = IntStream.range(0, data.size()).map(i -> target.applyAsInt(data.record(i), data.label(i))).toArray();
        return options.untargeted() + " to " + Arrays.toString(targets);
    }

    @Override
    public void check(Dataset data, int classes) {
        for (int i = 0; i < data.size() && options.target().isPresent(); i++) {
            int target = options.target().get().applyAsInt(data.record(i), data.label(i));
            String which = "pgd: image " + data.record(i) + " of class " + data.label(i) + " shall be led to class " + target;
            if (target < 0 || target >= classes) {
                throw new IllegalArgumentException(which + ", but expected a class from 0 to " + (classes - 1));
            }
            if (target == data.label(i)) {
                throw new IllegalArgumentException(which + ", its own, where there is nothing to attack; expected another class: give it "
                        + "another target, or leave such images out");
            }
        }
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        try (ProgramsBySize<PgdProgram> programs = new ProgramsBySize<>(sized -> open(sized, threat))) {
            for (int restart = 0; restart < options.restarts(); restart++) {
                int current = restart;
                points.restart(restart, victim, batch -> attack(programs.of(batch), threat, batch, seed, current));
            }
        }
    }

    private PgdProgram open(Victim victim, ThreatModel threat) {
        return new PgdProgram(victim, threat.ball(), options.target().isPresent());
    }

    private void attack(PgdProgram run, ThreatModel threat, PointBatch batch, long seed, int restart) {
        int length = batch.length();
        int[] labels = batch.labels().clone();
        float[] start = batch.clean().clone();
        for (int i = 0; i < batch.count(); i++) {
            int point = batch.point(i);
            if (options.target().isPresent()) {
                labels[i] = options.target().get().applyAsInt(batch.owner().record(point), labels[i]);
            }
            if (options.randomStart()) {
                RandomStart.uniform(threat, start, i * length, length, batch.random(seed, name(), i, restart));
            }
        }
        run.start(batch.clean(), start, labels, threat.eps(), options.stepSize(threat.eps()));
        int open = batch.count();
        long passes = 0;
        for (int step = 0; step <= options.iterations() && open > 0; step++) {
            passes += open;
            run.step();
            if (step == 0) {
                batch.noteZeroGradients(run.gradientSizes());
            }
            open = open(run.fooled(), batch.count());
            batch.pause(step + 1, options.iterations() + 1);
        }
        batch.owner().countPasses(passes, passes);
        keepBest(run, batch);
    }

    private static void keepBest(PgdProgram run, PointBatch batch) {
        Points points = batch.owner();
        float[] best = run.best();
        float[] losses = run.bestLoss();
        float[] fooled = run.fooled();
        for (int i = 0; i < batch.count(); i++) {
            int point = batch.point(i);
            if (fooled[i] != 0 || losses[i] > points.score(point)) {
                points.move(point, best, i * batch.length(), fooled[i] != 0);
                points.score(point, losses[i]);
            }
        }
    }

    private static int open(float[] fooled, int count) {
        int open = 0;
        for (int i = 0; i < count; i++) {
            open += fooled[i] == 0 ? 1 : 0;
        }
        return open;
    }
}
