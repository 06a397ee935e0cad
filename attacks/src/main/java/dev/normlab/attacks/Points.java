package dev.normlab.attacks;

import dev.normlab.nn.data.Dataset;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The images an attack works on, what it has found so far, and how far it has come.
///
/// An attack goes over the images that do not fool the model yet in batches ([#restart]), moves them with [#move] and says which ones it believes to have
/// fooled the model; whoever asked for the attack checks again. Everything an attack remembers of an image between restarts is here, so that it can be
/// stopped after any batch and goes on later with bitwise the same result.
public final class Points {

    private final Dataset data;
    private final int[] indices;
    private final int length;
    private final float[] adversarial;
    private final boolean[] fooled;
    private final int[] completed;
    private final float[] scores;
    private final long[] passes = new long[2];
    private int zeroGradients;
    private Runnable checkpoint = () -> {
    };

    /// Some images of a data set, not moved yet, with scores of negative infinity.
    ///
    /// @param indices of the images in the data set
    public Points(Dataset data, int[] indices) {
        this.data = data;
        this.indices = indices.clone();
        this.length = data.shape().values();
        this.adversarial = new float[Math.multiplyExact(indices.length, length)];
        this.fooled = new boolean[indices.length];
        this.completed = new int[indices.length];
        this.scores = new float[indices.length];
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < indices.length; i++) {
            data.image(indices[i], adversarial, i * length);
        }
    }

    /// The number of images.
    public int count() {
        return indices.length;
    }

    /// The number of values of an image.
    public int length() {
        return length;
    }

    /// The number of an image in the original data set, which names its random streams.
    public int record(int point) {
        return data.record(indices[point]);
    }

    /// The true class.
    public int label(int point) {
        return data.label(indices[point]);
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

    /// How good the point is that an image was moved to: what an attack compares between restarts.
    public float score(int point) {
        return scores[point];
    }

    /// Remembers how good the point is that an image was moved to.
    public void score(int point, float score) {
        scores[point] = score;
    }

    /// Runs one restart of an attack on all images that no earlier one fooled, in full batches, and marks every batch as done. A batch that was done before
    /// the attack was stopped and taken up again is left out.
    public void restart(int restart, int batchSize, Consumer<PointBatch> attack) {
        over(index -> !fooled[index] && completed[index] <= restart, restart, batchSize, attack);
    }

    /// As [#restart] for attacks that go on improving images that fool already, such as those that look for the smallest perturbation.
    public void restartOnAll(int restart, int batchSize, Consumer<PointBatch> attack) {
        over(index -> completed[index] <= restart, restart, batchSize, attack);
    }

    /// The images that no earlier restart fooled and that this one has not done yet, for attacks that do not go by batches; each is to be marked with
    /// [#complete].
    public int[] open(int restart) {
        return IntStream.range(0, indices.length).filter(index -> !fooled[index] && completed[index] <= restart).toArray();
    }

    /// Marks an image as done by a restart.
    public void complete(int point, int restart) {
        completed[point] = restart + 1;
        checkpoint.run();
    }

    private void over(IntPredicate open, int restart, int batchSize, Consumer<PointBatch> attack) {
        int[] todo = IntStream.range(0, indices.length).filter(open).toArray();
        for (int first = 0; first < todo.length; first += batchSize) {
            PointBatch batch = new PointBatch(this, Arrays.copyOfRange(todo, first, Math.min(first + batchSize, todo.length)), batchSize);
            attack.accept(batch);
            for (int i = 0; i < batch.count(); i++) {
                completed[batch.point(i)] = restart + 1;
            }
            checkpoint.run();
        }
    }

    /// Counts passes of single images through the model: the passes that the image's own attack needs, whatever else is in its batch.
    public void countPasses(long forward, long backward) {
        passes[0] += forward;
        passes[1] += backward;
    }

    /// Forward passes of single images so far.
    public long forwardPasses() {
        return passes[0];
    }

    /// Backward passes of single images so far.
    public long backwardPasses() {
        return passes[1];
    }

    /// Counts images whose gradient was zero everywhere at the start of a restart.
    public void countZeroGradients(int images) {
        zeroGradients += images;
    }

    /// How many starts had a zero gradient.
    public int zeroGradients() {
        return zeroGradients;
    }
}
