package dev.normlab.attacks;

/// How firmly adversarial images fool: of those that fool as they are, how many still do when something is changed that should not matter.
///
/// @param fooled       images that fool as they are
/// @param rounded      of these, after rounding to 256 levels a value, as an image file has them
/// @param shifted      of these, after adding 100 to all logits in single precision: decisions by less than rounding errors get lost
public record Rechecks(int fooled, int rounded, int shifted) {

    private static final float SHIFT = 100;

    static Rechecks of(Victim victim, float[] adversarial, int[] labels, int[] fooledBy) {
        int length = victim.imageLength();
        int fooled = 0;
        int rounded = 0;
        int shifted = 0;
        float[] batch = new float[victim.batch().elements()];
        int[] seats = new int[victim.batchSize()];
        for (int i = 0; i < fooledBy.length;) {
            int count = 0;
            for (; i < fooledBy.length && count < seats.length; i++) {
                if (fooledBy[i] >= 0) {
                    System.arraycopy(adversarial, i * length, batch, count * length, length);
                    seats[count++] = i;
                }
            }
            if (count == 0) {
                break;
            }
            float[] logits = victim.logits(batch, count);
            for (int k = 0; k < logits.length; k++) {
                logits[k] += SHIFT;
            }
            for (int j = 0; j < batch.length; j++) {
                batch[j] = Math.round(batch[j] * 255) / 255f;
            }
            float[] ofRounded = victim.logits(batch, count);
            for (int k = 0; k < count; k++) {
                int label = labels[seats[k]];
                fooled++;
                rounded += Victim.argMax(ofRounded, k, victim.classes()) != label ? 1 : 0;
                shifted += Victim.argMax(logits, k, victim.classes()) != label ? 1 : 0;
            }
        }
        return new Rechecks(fooled, rounded, shifted);
    }
}
