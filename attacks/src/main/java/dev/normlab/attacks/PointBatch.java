package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;

/// A full batch of images of some [Points]. What is missing in the last batch is filled with copies of its last image, which nobody looks
/// at: in eval mode they change nothing for the others.
public final class PointBatch {

    private final Points owner;
    private final int[] points;
    private final Victim victim;
    private final float[] clean;
    private final int[] labels;

    /// @param victim for the batch: for as many images, or some more
    PointBatch(Points owner, int[] points, Victim victim) {
        this.owner = owner;
        this.points = points;
        this.victim = victim;
        int batchSize = victim.batchSize();
        int length = owner.length();
        this.clean = new float[batchSize * length];
        this.labels = new int[batchSize];
        for (int i = 0; i < batchSize; i++) {
            int point = points[Math.min(i, points.length - 1)];
            owner.clean(point, clean, i * length);
            labels[i] = owner.label(point);
        }
    }

    /// How many images of the batch count; the others are copies.
    public int count() {
        return points.length;
    }

    /// The model under attack, for batches of this size.
    public Victim victim() {
        return victim;
    }

    /// The number of values of an image.
    public int length() {
        return owner.length();
    }

    /// The points to which this batch belongs.
    public Points owner() {
        return owner;
    }

    /// The point in place `i` of the batch.
    public int point(int i) {
        return points[i];
    }

    /// The clean images, `[batch size, c, h, w]` row-major; the array itself, not to be changed.
    public float[] clean() {
        return clean;
    }

    /// The true classes, `[batch size]`; the array itself, not to be changed.
    public int[] labels() {
        return labels;
    }

    /// As [Points#pause] after some of the steps that the batch takes.
    ///
    /// @param step  how many are behind it
    /// @param steps all of them
    void pause(int step, int steps) {
        for (int point : points) {
            owner.underWay(point, Math.min((float) step / steps, 1));
        }
        owner.pause();
    }

    /// Tells the points which images have a zero gradient where a run begins.
    ///
    /// @param gradientSizes of all images of the batch, the copies included
    void noteZeroGradients(float[] gradientSizes) {
        for (int i = 0; i < count(); i++) {
            if (gradientSizes[i] == 0) {
                owner.noteZeroGradient(points[i]);
            }
        }
    }

    /// The random numbers of the image in place `i`, which depend on the seed, the purpose, the image and the restart alone.
    public RandomStream random(long seed, String purpose, int i, int restart) {
        return RandomStream.of(seed, purpose, owner.record(points[i]), restart);
    }
}
