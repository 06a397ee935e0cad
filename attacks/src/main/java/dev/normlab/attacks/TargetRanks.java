package dev.normlab.attacks;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// Which classes targeted attacks aim at: the wrong ones, the likeliest of the clean image first.
final class TargetRanks {

    private TargetRanks() {}

    /// For every point all classes but the true one, by descending logit of the clean image (the lower class first on ties). One forward
    /// pass an image, which is not counted for the attack.
    static int[][] of(Victim victim, Points points) {
        int[][] ranked = new int[points.count()][];
        int[] all = IntStream.range(0, points.count()).toArray();
        for (int first = 0; first < all.length; first += victim.batchSize()) {
            int[] some = Arrays.copyOfRange(all, first, Math.min(first + victim.batchSize(), all.length));
            PointBatch batch = new PointBatch(points, some, victim.forImages(some.length));
            float[] logits = batch.victim().logits(batch.clean());
            for (int i = 0; i < some.length; i++) {
                ranked[some[i]] = ranked(logits, i, victim.classes(), batch.labels()[i]);
            }
        }
        return ranked;
    }

    private static int[] ranked(float[] logits, int image, int classes, int label) {
        return IntStream.range(0, classes).filter(k -> k != label).boxed()
                .sorted(Comparator.<Integer>comparingDouble(k -> -logits[image * classes + k]).thenComparing(k -> k))
                .mapToInt(Integer::intValue).toArray();
    }
}
