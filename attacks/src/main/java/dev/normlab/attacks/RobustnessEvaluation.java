package dev.normlab.attacks;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The robust accuracy of a model under a list of attacks.
///
/// Every attack sees the images that the model still gets right (or, individually, all that it gets right without an attack) and starts from the clean ones.
/// What it returns is classified again and accepted only if it lies in the ball and the box in double precision. Robust accuracy counts the images that
/// survive all attacks among all images, those that the model gets wrong anyway included.
public final class RobustnessEvaluation {

    private final List<Attack> attacks;
    private final ThreatModel threat;
    private final boolean individual;
    private final int batchSize;
    private final long seed;

    /// Hears how an evaluation goes on.
    @FunctionalInterface
    public interface Listener {

        /// An attack begins (`result` empty) or has ended.
        ///
        /// @param images that it sees
        void attack(String name, int images, Optional<RobustnessResult.AttackResult> result);
    }

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
    /// @throws IllegalArgumentException if the data set is empty
    public RobustnessResult run(Layer model, Dataset data, Device device, Listener listener) {
        if (data.size() == 0) {
            throw new IllegalArgumentException("there are no images to attack");
        }
        Shape image = Shape.of(data.shape().channels(), data.shape().height(), data.shape().width());
        try (Victim victim = new Victim(model, device, image, Math.min(batchSize, data.size()))) {
            return new Run(victim, data, listener).evaluate();
        }
    }

    /// One evaluation under way.
    private final class Run {

        private final Victim victim;
        private final Dataset data;
        private final Listener listener;
        private final float[] adversarial;
        private final int[] predictions;
        private final int[] fooledBy;
        private int rejected;

        Run(Victim victim, Dataset data, Listener listener) {
            this.victim = victim;
            this.data = data;
            this.listener = listener;
            int[] all = new int[data.size()];
            Arrays.setAll(all, i -> i);
            this.adversarial = new Points(data, all).adversarial();
            this.predictions = classify(adversarial, data.size());
            this.fooledBy = new int[data.size()];
            Arrays.setAll(fooledBy, i -> predictions[i] == data.label(i) ? RobustnessResult.ROBUST : RobustnessResult.CLEAN_ERROR);
        }

        RobustnessResult evaluate() {
            int[] correct = indicesOf(RobustnessResult.ROBUST);
            List<RobustnessResult.AttackResult> results = new ArrayList<>();
            for (int a = 0; a < attacks.size(); a++) {
                int[] seen = individual ? correct : indicesOf(RobustnessResult.ROBUST);
                listener.attack(attacks.get(a).name(), seen.length, Optional.empty());
                RobustnessResult.AttackResult result = attack(a, seen);
                results.add(result);
                listener.attack(result.name(), seen.length, Optional.of(result));
            }
            int[] labels = new int[data.size()];
            Arrays.setAll(labels, data::label);
            return new RobustnessResult(data.size(), correct.length, indicesOf(RobustnessResult.ROBUST).length, results, adversarial,
                    labels, predictions, fooledBy, rejected);
        }

        private RobustnessResult.AttackResult attack(int number, int[] seen) {
            Attack attack = attacks.get(number);
            long start = System.nanoTime();
            Points points = new Points(data, seen);
            if (seen.length > 0) {
                attack.run(victim, threat, points, seed);
            }
            int fooled = accept(number, points, seen);
            double seconds = (System.nanoTime() - start) / 1e9;
            int robust = individual ? seen.length - fooled : indicesOf(RobustnessResult.ROBUST).length;
            return new RobustnessResult.AttackResult(attack.name(), seen.length, fooled, robust, seconds, points.forwardPasses(),
                    points.backwardPasses());
        }

        /// Classifies and checks what an attack returned; keeps the points that fool. The number of images that the attack fooled.
        private int accept(int number, Points points, int[] seen) {
            int length = victim.imageLength();
            float[] moved = points.adversarial();
            int[] classes = classify(moved, seen.length);
            float[] clean = new float[seen.length * length];
            int fooled = 0;
            for (int i = 0; i < seen.length; i++) {
                data.image(seen[i], clean, i * length);
                if (!points.fooled(i) || classes[i] == data.label(seen[i])) {
                    continue;
                }
                if (!threat.allows(clean, moved, i * length, length)) {
                    rejected++;
                    continue;
                }
                fooled++;
                if (fooledBy[seen[i]] == RobustnessResult.ROBUST) {
                    fooledBy[seen[i]] = number;
                    predictions[seen[i]] = classes[i];
                    System.arraycopy(moved, i * length, adversarial, seen[i] * length, length);
                }
            }
            return fooled;
        }

        private int[] classify(float[] images, int count) {
            int length = victim.imageLength();
            int[] classes = new int[count];
            for (int first = 0; first < count; first += victim.batchSize()) {
                int n = Math.min(victim.batchSize(), count - first);
                float[] batch = new float[victim.batch().elements()];
                System.arraycopy(images, first * length, batch, 0, n * length);
                System.arraycopy(victim.predict(batch), 0, classes, first, n);
            }
            return classes;
        }

        private int[] indicesOf(int state) {
            int[] indices = new int[fooledBy.length];
            int n = 0;
            for (int i = 0; i < fooledBy.length; i++) {
                if (fooledBy[i] == state) {
                    indices[n++] = i;
                }
            }
            return Arrays.copyOf(indices, n);
        }
    }
}
