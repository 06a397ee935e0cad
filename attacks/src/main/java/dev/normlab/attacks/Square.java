package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The square attack (Andriushchenko, Croce, Flammarion and Hein 2020, "Square attack: a query-efficient black-box adversarial attack via
/// random search", arXiv:1912.00049): random changes of windows of the image, kept if they lower the margin `z_y - max_{i≠y} z_i`. It needs
/// no gradients, so that it finds what masked gradients hide.
///
/// A query costs a forward pass. An image ends when it is misclassified or its queries are used up; its place in the batch then goes to the
/// next image, with random numbers of its own, so that no pass is wasted and no result depends on the batch.
public final class Square implements Attack {

    private final SquareOptions options;

    /// An attack with these options.
    public Square(SquareOptions options) {
        this.options = options;
    }

    @Override
    public String name() {
        return "square";
    }

    @Override
    public int restarts(int classes) {
        return options.restarts();
    }

    @Override
    public Passes passes(ThreatModel threat, int classes) {
        return new Passes(options.queries(), 0).times(options.restarts());
    }

    @Override
    public String settings() {
        return options.toString();
    }

    @Override
    public boolean usesGradients() {
        return false;
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        for (int restart = 0; restart < options.restarts(); restart++) {
            new Run(victim, threat, points, seed, restart).search();
        }
    }

    /// One image under attack.
    static final class Search {

        private final int point;
        private final int label;
        private final float[] clean;
        final float[] best;
        final float[] candidate;
        private final RandomStream random;
        double margin = Double.POSITIVE_INFINITY;
        private int queries;

        Search(Points points, int point, RandomStream random) {
            this.point = point;
            this.label = points.label(point);
            this.clean = new float[points.length()];
            points.clean(point, clean, 0);
            this.best = clean.clone();
            this.candidate = clean.clone();
            this.random = random;
        }

        void propose(SquareMoves moves, SquareOptions options) {
            if (queries == 0) {
                moves.start(clean, candidate, random);
            } else {
                moves.propose(options.share(queries), clean, best, candidate, random);
            }
        }

        /// Keeps the candidate if it lowers the margin or errs.
        void judge(double found) {
            queries++;
            if (found < margin || found <= 0) {
                margin = found;
                System.arraycopy(candidate, 0, best, 0, best.length);
            }
        }
    }

    /// One restart under way.
    private final class Run {

        /// For as many images as are under attack.
        private Victim victim;
        private final Points points;
        private final long seed;
        private final int restart;
        private final SquareMoves moves;
        private final Deque<Integer> waiting = new ArrayDeque<>();
        private @Nullable Search[] places;
        private float[] batch;

        Run(Victim victim, ThreatModel threat, Points points, long seed, int restart) {
            this.victim = victim;
            this.points = points;
            this.seed = seed;
            this.restart = restart;
            this.moves = SquareMoves.of(threat, victim.batch().size(1), victim.batch().size(2), victim.batch().size(3));
            this.places = new Search[victim.batchSize()];
            this.batch = new float[victim.batch().elements()];
            for (int point : points.open(restart)) {
                waiting.add(point);
            }
        }

        void search() {
            while (seat()) {
                victim.device().workers().run(places.length, (i, worker) -> propose(i));
                pause();
                float[] logits = victim.logits(batch);
                for (int i = 0; i < places.length; i++) {
                    Search search = places[i];
                    if (search != null) {
                        judge(search, logits, i);
                    }
                }
            }
        }

        private void pause() {
            for (Search search : places) {
                if (search != null) {
                    points.underWay(search.point, (float) search.queries / options.queries());
                }
            }
            points.pause();
        }

        /// Gives free places to waiting images; when nobody waits any more, those that are left move together, into a smaller batch if
        /// there is one. Whether anybody is seated.
        private boolean seat() {
            int seated = 0;
            for (int i = 0; i < places.length; i++) {
                if (places[i] == null && !waiting.isEmpty()) {
                    int point = waiting.remove();
                    places[i] = new Search(points, point, RandomStream.of(seed, name(), points.record(point), restart));
                }
                seated += places[i] != null ? 1 : 0;
            }
            if (seated > 0 && victim.forImages(seated) != victim) {
                moveTogether(victim.forImages(seated));
            }
            return seated > 0;
        }

        private void moveTogether(Victim smaller) {
            victim = smaller;
            places = Arrays.copyOf(Arrays.stream(places).filter(Objects::nonNull).toArray(Search[]::new), smaller.batchSize());
            batch = new float[smaller.batch().elements()];
        }

        private void propose(int i) {
            Search search = places[i];
            if (search != null) {
                search.propose(moves, options);
                System.arraycopy(search.candidate, 0, batch, i * victim.imageLength(), victim.imageLength());
            }
        }

        private void judge(Search search, float[] logits, int i) {
            search.judge(margin(logits, i, search.label));
            boolean fooled = Victim.argMax(logits, i, victim.classes()) != search.label;
            if (fooled || search.queries >= options.queries()) {
                if (fooled) {
                    points.move(search.point, search.best, 0, true);
                }
                points.countPasses(search.queries, 0);
                points.complete(search.point, restart);
                places[i] = null;
            }
        }

        private double margin(float[] logits, int image, int label) {
            double other = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < victim.classes(); k++) {
                if (k != label) {
                    other = Math.max(other, logits[image * victim.classes() + k]);
                }
            }
            return logits[image * victim.classes() + label] - other;
        }
    }
}
