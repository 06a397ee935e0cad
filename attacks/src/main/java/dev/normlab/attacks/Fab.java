package dev.normlab.attacks;

import dev.normlab.engine.kernel.BallProjection;
import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;
import java.util.function.Consumer;

/// The fast adaptive boundary attack (Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
/// arXiv:1907.02044), which looks for the smallest perturbation: FAB at the nearest boundary, FAB-T at one target class after the other.
///
/// A step linearises the decision boundary at the iterate, projects both the iterate and the clean image to it within the box
/// ([BoxHyperplane]), and goes to a mean of both projections, overshooting a little: `x ← clip((1 - α)(x + η d1) + α (x0 + η d2))` with `α
/// = min(A1 / (A1 + A2), α_max)`, `A` the lengths of the projections, for each image by itself. A misclassified iterate is kept if it is
/// strictly closer than the best so far, and the run goes on at `x0 + β (x - x0)`. An image counts as fooled if its closest adversarial
/// point is in the ball. A step takes two forward passes and one backward pass, or one for each class without a target.
public final class Fab implements Attack {

    private static final double SHORTEST = 1e-8;

    private final FabOptions options;

    /// An attack with these options.
    public Fab(FabOptions options) {
        this.options = options;
    }

    @Override
    public String name() {
        return options.targeted() ? "fab-t" : "fab";
    }

    @Override
    public int restarts(int classes) {
        return options.restarts() * targets(classes);
    }

    /// The classes that an image is led to, one after the other; 1 without targets.
    private int targets(int classes) {
        return options.targeted() ? Math.min(options.targets(), classes - 1) : 1;
    }

    @Override
    public Passes passes(ThreatModel threat, int classes) {
        return new Passes(2, options.targeted() ? 1 : classes).times((long) options.iterations() * restarts(classes));
    }

    @Override
    public String settings() {
        return options.toString();
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        int[][] ranked = options.targeted() ? TargetRanks.of(victim, points) : new int[0][];
        try (ProgramsBySize<Linearisation> boundaries = new ProgramsBySize<>(
                sized -> options.targeted() ? new TargetedLinearisation(sized) : new NearestLinearisation(sized))) {
            int targets = targets(victim.classes());
            for (int number = 0; number < options.restarts() * targets; number++) {
                int run = number; // all targets once, then all of them again: what fewer restarts find, more find as well
                Consumer<PointBatch> attack = batch -> {
                    int[] goals = batch.labels().clone();
                    for (int i = 0; i < goals.length && options.targeted(); i++) {
                        goals[i] = ranked[batch.point(Math.min(i, batch.count() - 1))][run % targets];
                    }
                    Linearisation boundary = boundaries.of(batch);
                    boundary.classes(batch.labels(), goals);
                    new Run(batch.victim(), threat, boundary, seed).attack(batch, run, run >= targets);
                };
                if (options.minimise()) {
                    points.restartOnAll(run, victim, attack);
                } else {
                    points.restart(run, victim, attack);
                }
            }
        }
    }

    /// An attack on a batch.
    private final class Run {

        private final Victim victim;
        private final ThreatModel threat;
        private final Linearisation boundary;
        private final long seed;
        private final int length;
        private final float[] w;
        private final double[][] toIterate;
        private final double[][] toClean;

        Run(Victim victim, ThreatModel threat, Linearisation boundary, long seed) {
            this.victim = victim;
            this.threat = threat;
            this.boundary = boundary;
            this.seed = seed;
            this.length = victim.imageLength();
            this.w = new float[victim.batch().elements()];
            int threads = victim.device().workers().threads();
            this.toIterate = new double[threads][length];
            this.toClean = new double[threads][length];
        }

        void attack(PointBatch batch, int restart, boolean randomStart) {
            float[] x = boundary.images();
            System.arraycopy(batch.clean(), 0, x, 0, x.length);
            if (randomStart) {
                ThreatModel half = new ThreatModel(threat.ball(), threat.eps() / 2);
                victim.device().workers().run(batch.count(),
                        (i, worker) -> noise(half, x, i * length, batch.random(seed, name(), i, restart)));
            }
            float[] closest = batch.clean().clone();
            double[] distance = new double[batch.count()];
            Arrays.fill(distance, Double.POSITIVE_INFINITY);
            for (int step = 0; step < options.iterations(); step++) {
                batch.pause(step, options.iterations());
                boundary.evaluate();
                victim.device().workers().run(batch.count(), (i, worker) -> move(batch.clean(), x, i, worker));
                if (step == 0) {
                    batch.noteZeroGradients(GradientStep.sizes(w, length));
                }
                int[] predictions = victim.predict(x);
                for (int i = 0; i < batch.count(); i++) {
                    if (predictions[i] != batch.labels()[i]) {
                        distance[i] = keepIfCloser(batch.clean(), x, i, closest, distance[i]);
                    }
                }
            }
            long steps = (long) options.iterations() * batch.count();
            batch.owner().countPasses(2 * steps, boundary.backwardPasses() * steps);
            keep(batch, closest, distance);
        }

        /// A unit vector in the norm times the radius: linf a uniform one, l2 and l1 a Gaussian one.
        private void noise(ThreatModel half, float[] x, int offset, RandomStream random) {
            if (half.ball() != ThreatModel.Ball.L1) {
                RandomStart.boundary(half, x, offset, length, random);
                return;
            }
            float[] direction = new float[length];
            random.fillNormal(direction, 0, 1);
            double sum = 0;
            for (float value : direction) {
                sum += Math.abs(value);
            }
            for (int j = 0; j < length; j++) {
                x[offset + j] = BallProjection.moved(x[offset + j], half.eps() * direction[j] / sum);
            }
        }

        private void move(float[] clean, float[] x, int i, int worker) {
            int from = i * length;
            double f = boundary.boundary(threat.ball(), i, w, from);
            double fromIterate = 0;
            for (int j = from; j < from + length; j++) {
                w[j] = Float.isFinite(w[j]) ? w[j] : 0;
                fromIterate += (double) w[j] * (clean[j] - (double) x[j]);
            }
            double[] d1 = toIterate[worker];
            double[] d2 = toClean[worker];
            BoxHyperplane.displacement(threat.ball(), w, from, f, x, from, length, d1);
            BoxHyperplane.displacement(threat.ball(), w, from, f + fromIterate, clean, from, length, d2);
            double a1 = Math.max(BoxHyperplane.norm(threat.ball(), d1, length), SHORTEST);
            double a2 = Math.max(BoxHyperplane.norm(threat.ball(), d2, length), SHORTEST);
            double alpha = Math.min(a1 / (a1 + a2), options.alphaMax());
            for (int j = 0; j < length; j++) {
                double next = (1 - alpha) * (x[from + j] + options.eta() * d1[j]) + alpha * (clean[from + j] + options.eta() * d2[j]);
                x[from + j] = Math.clamp((float) next, 0f, 1f);
            }
        }

        private double keepIfCloser(float[] clean, float[] x, int i, float[] closest, double best) {
            int from = i * length;
            double distance = threat.distance(clean, x, from, length);
            if (distance < best) {
                System.arraycopy(x, from, closest, from, length);
            }
            for (int j = from; j < from + length; j++) {
                x[j] = (float) (clean[j] + options.beta() * ((double) x[j] - clean[j]));
            }
            return Math.min(distance, best);
        }

        /// The score of a point is minus its distance.
        private void keep(PointBatch batch, float[] closest, double[] distance) {
            Points points = batch.owner();
            for (int i = 0; i < batch.count(); i++) {
                int point = batch.point(i);
                boolean inside = threat.allows(batch.clean(), closest, i * length, length);
                if (distance[i] < Double.POSITIVE_INFINITY && inside && -distance[i] > points.score(point)) {
                    points.move(point, closest, i * length, true);
                    points.score(point, (float) -distance[i]);
                }
            }
        }
    }
}
