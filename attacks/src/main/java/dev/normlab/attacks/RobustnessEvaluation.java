package dev.normlab.attacks;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// The robust accuracy of a model under a list of attacks.
///
/// Every attack sees the images that the model still gets right (or, individually, all that it gets right without an attack) and starts
/// from the clean ones. What it returns is classified again and accepted only if it lies in the ball and the box in double precision.
/// Robust accuracy counts the images that survive all attacks among all images, those that the model gets wrong anyway included.
///
/// With a state file an evaluation may be stopped (or killed) at any time and goes on later from its last finished batch, with the same
/// result bit for bit.
///
/// That holds for models that give the same outputs for the same images. One that draws random numbers of its own is warned of; attacks
/// with several draws go by means over them, but what they return is judged by a single pass, so that results differ from run to run.
public final class RobustnessEvaluation {

    private static final long SAVE_NANOS = 20_000_000_000L;

    private final List<Attack> attacks;
    private final ThreatModel threat;
    private final boolean individual;
    private final int batchSize;
    private final long seed;
    private volatile boolean stopRequested;
    private long saveNanos = SAVE_NANOS;

    /// Hears how an evaluation goes on.
    @FunctionalInterface
    public interface Listener {

        /// An attack begins (`result` empty) or has ended.
        ///
        /// @param images that it sees
        void attack(String name, int images, Optional<RobustnessResult.AttackResult> result);

        /// An attack goes on.
        ///
        /// @param done   share of its work, in [0, 1]
        /// @param robust images that are right so far, under all attacks up to here
        default void progress(String name, double done, int robust) {}
    }

    /// An evaluation by these attacks.
    ///
    /// @param individual whether every attack sees all images that the model gets right without an attack
    /// @param batchSize  images a step; changes no result
    /// @throws IllegalArgumentException if there is no attack or the batch size is below 1
    public RobustnessEvaluation(List<? extends Attack> attacks, ThreatModel threat, boolean individual, int batchSize, long seed) {
        if (attacks.isEmpty()) {
            throw new IllegalArgumentException("a robustness evaluation needs at least one attack");
        }
        if (batchSize < 1) {
            throw new IllegalArgumentException("the batch size is at least 1, but got " + batchSize);
        }
        this.attacks = List.copyOf(attacks);
        this.threat = threat;
        this.individual = individual;
        this.batchSize = batchSize;
        this.seed = seed;
    }

    /// Attacks a model on all images of a data set. The model is left in the mode it was in.
    ///
    /// @throws IllegalArgumentException if the data set is empty or an attack refuses an image ([Attack#check])
    /// @throws EvaluationStopped        if it was asked to stop
    public RobustnessResult run(Layer model, Dataset data, Device device, Listener listener) {
        try {
            return run(model, data, device, listener, Optional.empty());
        } catch (IOException e) {
            throw new UncheckedIOException("without a state file nothing is read or written", e);
        }
    }

    /// As above, with a state file: goes on where it stands if there is one, and writes it every twenty seconds ([#savingEvery]), after
    /// every attack and when asked to stop. It stays at the end; from the state of a finished evaluation the result comes at once.
    ///
    /// @throws IllegalArgumentException if the data set is empty
    /// @throws EvaluationStopped        if it was asked to stop
    /// @throws IOException              if the file cannot be read or written, or belongs to another evaluation
    public RobustnessResult run(Layer model, Dataset data, Device device, Listener listener, Optional<Path> stateFile) throws IOException {
        if (data.size() == 0) {
            throw new IllegalArgumentException("there are no images to attack");
        }
        Shape image = Shape.of(data.shape().channels(), data.shape().height(), data.shape().width());
        byte[] identity = stateFile.isPresent()
                ? EvaluationState.identity(attacks, threat, individual, seed, data, model, device)
                : new byte[0];
        try (Victim victim = new Victim(model, device, image, Math.min(batchSize, data.size()))) {
            return new Run(victim, data, listener, stateFile, identity).evaluate();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /// Lets the evaluation end soon, with its state saved; from any thread.
    public void requestStop() {
        stopRequested = true;
    }

    /// Lets the state be written this long after the last time, instead of after twenty seconds; with 0 after every batch.
    ///
    /// @throws IllegalArgumentException if the time is negative or not finite
    public RobustnessEvaluation savingEvery(double seconds) {
        if (!(seconds >= 0 && seconds < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("the state is saved every so many seconds, at least 0, but got " + seconds);
        }
        saveNanos = (long) (seconds * 1e9);
        return this;
    }

    /// What is left of an attack's words on checking them.
    ///
    /// @param fooled      images that it fooled
    /// @param unconfirmed images that it took for fooled but that are right
    private record Confirmed(int fooled, int unconfirmed) {}

    /// One evaluation under way.
    private final class Run {

        private final Victim victim;
        private final Dataset data;
        private final Listener listener;
        private final Optional<Path> file;
        private final byte[] identity;
        private final int[] labels;
        private final List<String> warnings;
        private final EvaluationState state;
        private final int[] correct;
        private long lastSave = System.nanoTime();

        Run(Victim victim, Dataset data, Listener listener, Optional<Path> file, byte[] identity) throws IOException {
            this.victim = victim;
            this.data = data;
            this.listener = listener;
            this.file = file;
            this.identity = identity;
            this.labels = IntStream.range(0, data.size()).map(data::label).toArray();
            attacks.forEach(attack -> attack.check(data, victim.classes()));
            float[] clean = new Points(data, IntStream.range(0, data.size()).toArray()).adversarial();
            float[] logits = victim.logits(clean, data.size());
            int[] predictions = new int[data.size()];
            Arrays.setAll(predictions, i -> Victim.argMax(logits, i, victim.classes()));
            int[] fooledBy = new int[data.size()];
            Arrays.setAll(fooledBy, i -> predictions[i] == labels[i] ? RobustnessResult.ROBUST : RobustnessResult.CLEAN_ERROR);
            this.warnings = new ArrayList<>(ModelChecks.ofModel(victim, clean, logits));
            this.state = new EvaluationState(clean, predictions, fooledBy);
            this.correct = indicesOf(RobustnessResult.ROBUST);
            if (file.isPresent()) {
                state.read(file.get(), identity, attacks, victim.classes());
            }
        }

        RobustnessResult evaluate() {
            while (state.finished.size() < attacks.size()) {
                Attack attack = attacks.get(state.finished.size());
                int[] seen = individual ? correct : indicesOf(RobustnessResult.ROBUST);
                listener.attack(attack.name(), seen.length, Optional.empty());
                RobustnessResult.AttackResult result = attack(attack, seen);
                listener.attack(result.name(), seen.length, Optional.of(result));
            }
            warnings.addAll(ModelChecks.ofAttacks(attacks, state.finished, state.fooledBy, individual));
            return new RobustnessResult(data.size(), correct.length, indicesOf(RobustnessResult.ROBUST).length, List.copyOf(state.finished),
                    state.adversarial, labels, state.predictions, state.fooledBy, distances(), state.rejected,
                    Rechecks.of(victim, state.adversarial, labels, state.fooledBy), List.copyOf(warnings));
        }

        private RobustnessResult.AttackResult attack(Attack attack, int[] seen) {
            long start = System.nanoTime();
            Points points = new Points(data, seen);
            state.restore(points);
            double earlier = state.seconds;
            points.onPause(() -> {
                state.seconds = earlier + (System.nanoTime() - start) / 1e9;
                paused(attack, points, seen.length);
            });
            attack.run(victim, threat, points, seed);
            Confirmed found = accept(state.finished.size(), points, seen);
            int robust = individual ? seen.length - found.fooled() : indicesOf(RobustnessResult.ROBUST).length;
            RobustnessResult.AttackResult result = new RobustnessResult.AttackResult(attack.name(), seen.length, found.fooled(), robust,
                    earlier + (System.nanoTime() - start) / 1e9, points.forwardPasses(), points.backwardPasses(), points.zeroGradients(),
                    found.unconfirmed(), attack.isExactFor(victim.classes()));
            state.finished.add(result);
            state.seconds = 0;
            save(Optional.empty());
            return result;
        }

        /// @param before images that were right when the attack began
        private void paused(Attack attack, Points points, int before) {
            boolean stop = stopRequested;
            if (file.isPresent() && (stop || System.nanoTime() - lastSave >= saveNanos) && (points.takeChanged() || stop)) {
                save(Optional.of(points));
            }
            if (stop) {
                throw new EvaluationStopped();
            }
            listener.progress(attack.name(), points.done(attack.restarts(victim.classes())), before - points.fooledCount());
        }

        private void save(Optional<Points> points) {
            if (file.isEmpty()) {
                return;
            }
            try {
                state.write(file.get(), identity, points);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            lastSave = System.nanoTime();
        }

        /// Classifies and checks what an attack returned; keeps the points that fool.
        private Confirmed accept(int number, Points points, int[] seen) {
            int length = victim.imageLength();
            float[] moved = points.adversarial();
            float[] logits = victim.logits(moved, seen.length);
            float[] clean = new float[length];
            int fooled = 0;
            int unconfirmed = 0;
            for (int i = 0; i < seen.length; i++) {
                if (!points.fooled(i)) {
                    continue;
                }
                int found = Victim.argMax(logits, i, victim.classes());
                if (found == labels[seen[i]]) {
                    unconfirmed++;
                    continue;
                }
                data.image(seen[i], clean, 0);
                if (!threat.allows(clean, 0, moved, i * length, length)) {
                    state.rejected++;
                    continue;
                }
                fooled++;
                if (state.fooledBy[seen[i]] == RobustnessResult.ROBUST) {
                    state.fooledBy[seen[i]] = number;
                    state.predictions[seen[i]] = found;
                    System.arraycopy(moved, i * length, state.adversarial, seen[i] * length, length);
                }
            }
            return new Confirmed(fooled, unconfirmed);
        }

        private double[] distances() {
            int length = victim.imageLength();
            float[] clean = new float[length];
            double[] distances = new double[data.size()];
            for (int i = 0; i < distances.length; i++) {
                data.image(i, clean, 0);
                distances[i] = threat.distance(clean, 0, state.adversarial, i * length, length);
            }
            return distances;
        }

        private int[] indicesOf(int wanted) {
            return IntStream.range(0, state.fooledBy.length).filter(i -> state.fooledBy[i] == wanted).toArray();
        }
    }
}
