package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/// Projected gradient descent on the cross entropy (Madry et al. 2018, arXiv:1706.06083), linf and l2, with random start, restarts and targets.
///
/// `x ← Proj(x + a · dir(∇ loss))` with the sign (linf) or the unit vector (l2) as direction. Each image gives its first misclassified iterate, or else the
/// one of the highest loss over all restarts; `eps = 0` gives the clean image exactly.
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
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        try (PgdProgram program = new PgdProgram(victim, threat.ball(), options.target().isPresent())) {
            Run run = new Run(program, victim, threat, points, seed);
            for (int restart = 0; restart < options.restarts(); restart++) {
                int[] survivors = points.survivors();
                for (int first = 0; first < survivors.length; first += victim.batchSize()) {
                    int count = Math.min(victim.batchSize(), survivors.length - first);
                    run.attackBatch(survivors, first, count, restart);
                }
            }
        }
    }

    /// One attack under way.
    private final class Run {

        private final PgdProgram program;
        private final Victim victim;
        private final ThreatModel threat;
        private final Points points;
        private final long seed;
        /// Of each point as moved so far.
        private final float[] losses;

        Run(PgdProgram program, Victim victim, ThreatModel threat, Points points, long seed) {
            this.program = program;
            this.victim = victim;
            this.threat = threat;
            this.points = points;
            this.seed = seed;
            this.losses = new float[points.count()];
            Arrays.fill(losses, Float.NEGATIVE_INFINITY);
        }

        void attackBatch(int[] survivors, int first, int count, int restart) {
            int length = victim.imageLength();
            float[] clean = new float[victim.batch().elements()];
            int[] labels = new int[victim.batchSize()];
            IntUnaryOperator goal = options.target().orElse(IntUnaryOperator.identity());
            for (int i = 0; i < victim.batchSize(); i++) {
                int point = survivors[first + Math.min(i, count - 1)];
                points.clean(point, clean, i * length);
                labels[i] = goal.applyAsInt(points.label(point));
            }
            float[] start = clean.clone();
            for (int i = 0; i < count && options.randomStart(); i++) {
                RandomStream random = RandomStream.of(seed, name(), points.index(survivors[first + i]), restart);
                RandomStart.uniform(threat, start, i * length, length, random);
            }
            program.start(clean, start, labels, threat.eps(), options.stepSize(threat.eps()));
            int passes = 0;
            boolean open = true;
            for (int step = 0; step <= options.iterations() && open; step++) {
                program.step();
                passes++;
                open = anyOpen(program.fooled(), count);
            }
            points.countPasses((long) passes * count, (long) passes * count);
            keepBest(survivors, first, count);
        }

        private void keepBest(int[] survivors, int first, int count) {
            float[] best = program.best();
            float[] bestLosses = program.bestLoss();
            float[] fooled = program.fooled();
            for (int i = 0; i < count; i++) {
                int point = survivors[first + i];
                if (fooled[i] != 0 || bestLosses[i] > losses[point]) {
                    points.move(point, best, i * victim.imageLength(), fooled[i] != 0);
                    losses[point] = bestLosses[i];
                }
            }
        }
    }

    private static boolean anyOpen(float[] fooled, int count) {
        for (int i = 0; i < count; i++) {
            if (fooled[i] == 0) {
                return true;
            }
        }
        return false;
    }
}
