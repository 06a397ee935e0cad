package dev.normlab.attacks;

import dev.normlab.nn.data.Dataset;
import java.util.Arrays;

/// The images an attack works on, and what it has found so far.
///
/// An attack moves images with [#move] and says by [#fooled] which ones it believes to have fooled the model; whoever asked for the attack checks again.
public final class Points {

    private final Dataset data;
    private final int[] indices;
    private final int length;
    private final float[] adversarial;
    private final boolean[] fooled;
    private long forwardPasses;
    private long backwardPasses;

    /// Some images of a data set, not moved yet.
    ///
    /// @param indices of the images in the data set
    public Points(Dataset data, int[] indices) {
        this.data = data;
        this.indices = indices.clone();
        this.length = data.shape().values();
        this.adversarial = new float[Math.multiplyExact(indices.length, length)];
        this.fooled = new boolean[indices.length];
        for (int i = 0; i < indices.length; i++) {
            data.image(indices[i], adversarial, i * length);
        }
    }

    /// The number of images.
    public int count() {
        return indices.length;
    }

    /// The index of an image in the data set, which names its random streams.
    public int index(int point) {
        return indices[point];
    }

    /// The true class.
    public int label(int point) {
        return data.label(indices[point]);
    }

    /// The number of classes.
    public int classes() {
        return data.classes();
    }

    /// Copies the clean image.
    public void clean(int point, float[] target, int offset) {
        data.image(indices[point], target, offset);
    }

    /// The images as moved so far, `[count, c, h, w]` row-major; the array itself.
    public float[] adversarial() {
        return adversarial;
    }

    /// Replaces an image by a moved one.
    ///
    /// @param fools whether the attack believes that it fools the model
    public void move(int point, float[] from, int offset, boolean fools) {
        System.arraycopy(from, offset, adversarial, point * length, length);
        fooled[point] = fools;
    }

    /// Whether the attack believes that an image fools the model.
    public boolean fooled(int point) {
        return fooled[point];
    }

    /// The images that do not fool the model yet.
    public int[] survivors() {
        int[] survivors = new int[count()];
        int n = 0;
        for (int i = 0; i < survivors.length; i++) {
            if (!fooled[i]) {
                survivors[n++] = i;
            }
        }
        return Arrays.copyOf(survivors, n);
    }

    /// Counts passes of single images through the model.
    public void countPasses(long forward, long backward) {
        forwardPasses += forward;
        backwardPasses += backward;
    }

    /// Forward passes of single images so far.
    public long forwardPasses() {
        return forwardPasses;
    }

    /// Backward passes of single images so far.
    public long backwardPasses() {
        return backwardPasses;
    }
}
