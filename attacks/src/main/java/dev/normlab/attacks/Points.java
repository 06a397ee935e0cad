package dev.normlab.attacks;

import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The images an attack works on, what it has found so far, and how far it has come.
///
/// An attack goes over the images that do not fool the model yet in batches ([#restart]), moves them with [#move] and says which ones it
/// believes to have fooled the model; whoever asked for the attack checks again. Everything an attack remembers of an image between
/// restarts is here, so that it can be stopped after any batch and goes on later with bitwise the same result.
public final class Points {

    /// One of the names in [#state].
    static final String STATE_NAME = "points_adversarial";

    private final Dataset data;
    private final int[] indices;
    private final int length;
    private final float[] adversarial;
    private final boolean[] fooled;
    private final int[] completed;
    private final float[] scores;
    /// The share of the restart under way that is done, by image.
    private final float[] underWay;
    private int fooledCount;
    private final long[] passes = new long[2];
    private final boolean[] zeroGradient;
    private boolean changed;
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
        this.zeroGradient = new boolean[indices.length];
        this.scores = new float[indices.length];
        this.underWay = new float[indices.length];
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
        fooledCount += (fools ? 1 : 0) - (fooled[point] ? 1 : 0);
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

    /// Runs one restart of an attack on all images that no earlier one fooled, in batches of the victim's size and a smaller last one, and
    /// marks every batch as done. A batch that was done before the attack was stopped and taken up again is left out.
    public void restart(int restart, Victim victim, Consumer<PointBatch> attack) {
        over(index -> !fooled[index] && completed[index] <= restart, restart, victim, attack);
    }

    /// As [#restart] for attacks that go on improving images that fool already, such as those that look for the smallest perturbation.
    public void restartOnAll(int restart, Victim victim, Consumer<PointBatch> attack) {
        over(index -> completed[index] <= restart, restart, victim, attack);
    }

    /// The images that no earlier restart fooled and that this one has not done yet, for attacks that do not go by batches; each is to be
    /// marked with [#complete].
    public int[] open(int restart) {
        return IntStream.range(0, indices.length).filter(index -> !fooled[index] && completed[index] <= restart).toArray();
    }

    /// Marks an image as done by a restart.
    public void complete(int point, int restart) {
        finish(point, restart);
        changed = true;
        checkpoint.run();
    }

    private void finish(int point, int restart) {
        completed[point] = restart + 1;
        underWay[point] = 0;
    }

    /// Says how much of its restart an image has behind it, for those who wait; changes no result, and no resume knows of it.
    ///
    /// @param share in [0, 1]
    void underWay(int point, float share) {
        underWay[point] = share;
    }

    /// A moment at which the evaluation may be stopped; may throw [EvaluationStopped]. What was begun and not marked as done is done again
    /// after a resume, so an attack counts its passes and moves its images when it has finished them.
    public void pause() {
        checkpoint.run();
    }

    /// Calls this at every pause from now on.
    void onPause(Runnable action) {
        checkpoint = action;
    }

    /// Whether anything was done since the last call.
    boolean takeChanged() {
        boolean was = changed;
        changed = false;
        return was;
    }

    /// The share of the work that is done, in [0, 1].
    ///
    /// @param restarts of the attack
    double done(int restarts) {
        double units = 0;
        for (int i = 0; i < indices.length; i++) {
            units += fooled[i] ? restarts : Math.min(completed[i] + underWay[i], restarts);
        }
        return indices.length == 0 ? 1 : units / ((double) restarts * indices.length);
    }

    /// How many images the attack believes to have fooled.
    int fooledCount() {
        return fooledCount;
    }

    private static int count(boolean[] flags) {
        int count = 0;
        for (boolean one : flags) {
            count += one ? 1 : 0;
        }
        return count;
    }

    /// Everything there is to keep, by name.
    Map<String, NumberArray> state() {
        int n = indices.length;
        Map<String, NumberArray> state = new LinkedHashMap<>();
        state.put(STATE_NAME, new NumberArray.Floats(Shape.of(n, length), adversarial));
        state.put("points_fooled", new NumberArray.Bytes(Shape.of(n), bytes(fooled)));
        state.put("points_completed", new NumberArray.Ints(Shape.of(n), completed));
        state.put("points_scores", new NumberArray.Floats(Shape.of(n), scores));
        state.put("points_zero_gradient", new NumberArray.Bytes(Shape.of(n), bytes(zeroGradient)));
        state.put("points_passes", new NumberArray.Longs(Shape.of(passes.length), passes));
        return state;
    }

    private static byte[] bytes(boolean[] flags) {
        byte[] bytes = new byte[flags.length];
        for (int i = 0; i < flags.length; i++) {
            bytes[i] = (byte) (flags[i] ? 1 : 0);
        }
        return bytes;
    }

    /// Goes on from what [#state] gave.
    void restore(Map<String, NumberArray> state) {
        System.arraycopy(((NumberArray.Floats) get(state, STATE_NAME)).values(), 0, adversarial, 0, adversarial.length);
        setFlags(fooled, get(state, "points_fooled"));
        fooledCount = count(fooled);
        setFlags(zeroGradient, get(state, "points_zero_gradient"));
        System.arraycopy(((NumberArray.Ints) get(state, "points_completed")).values(), 0, completed, 0, completed.length);
        System.arraycopy(((NumberArray.Floats) get(state, "points_scores")).values(), 0, scores, 0, scores.length);
        System.arraycopy(((NumberArray.Longs) get(state, "points_passes")).values(), 0, passes, 0, passes.length);
    }

    private static void setFlags(boolean[] flags, NumberArray from) {
        byte[] bytes = ((NumberArray.Bytes) from).values();
        for (int i = 0; i < flags.length; i++) {
            flags[i] = bytes[i] != 0;
        }
    }

    private static NumberArray get(Map<String, NumberArray> state, String name) {
        return Objects.requireNonNull(state.get(name), name);
    }

    private void over(IntPredicate open, int restart, Victim victim, Consumer<PointBatch> attack) {
        int[] todo = IntStream.range(0, indices.length).filter(open).toArray();
        for (int first = 0; first < todo.length; first += victim.batchSize()) {
            int[] some = Arrays.copyOfRange(todo, first, Math.min(first + victim.batchSize(), todo.length));
            PointBatch batch = new PointBatch(this, some, victim.forImages(some.length));
            attack.accept(batch);
            for (int i = 0; i < batch.count(); i++) {
                finish(batch.point(i), restart);
            }
            changed = true;
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

    /// Notes that an image's gradient was zero everywhere where a run of the attack began.
    public void noteZeroGradient(int point) {
        zeroGradient[point] = true;
    }

    /// How many images had a zero gradient where a run began: each counts once, in however many restarts, targets and radii it had.
    public int zeroGradients() {
        return count(zeroGradient);
    }
}
