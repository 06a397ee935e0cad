package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// In training multiplies by random zeros; in evaluation passes its input on.
///
/// The mask is a function of the run's seed, the layer's name, the number of the training step, and how often the layer was used in the
/// step before, whatever was computed before. A step is one tape: an eager forward pass on another tape than the latest moves on to the
/// next step; a recorded one reads its counters at every replay, and [Layer#atStep] sets them.
public abstract sealed class RandomMask extends Layer permits Dropout, DropConnect {

    private final float p;
    private final String purpose;
    // Of the first use in a step, which is all that most networks have, and of the later ones in recorded programs.
    private final Tensor counter = randomState("counter");
    private final List<Tensor> later = new ArrayList<>();
    private WeakReference<@Nullable Tape> latest = new WeakReference<>(null);
    private long step;
    private int uses;
    private boolean usedEagerly;

    /// @param purpose of the random numbers: equal layers of another purpose draw others
    /// @throws IllegalArgumentException unless `0 <= p < 1`
    RandomMask(float p, String purpose) {
        if (!(p >= 0 && p < 1)) {
            throw new IllegalArgumentException(
                    getClass().getSimpleName() + ": the probability lies in [0, 1), but got " + p);
        }
        this.p = p;
        this.purpose = purpose;
    }

    @Override
    protected final Tensor compute(Tape tape, Tensor x) {
        return !isTraining() || p == 0 ? x : masked(tape, x, p, counterOfUse(tape, x.isVirtual()));
    }

    /// The input times the mask that a counter gives.
    abstract Tensor masked(Tape tape, Tensor x, float probability, Tensor counterOfUse);

    private Tensor counterOfUse(Tape tape, boolean recording) {
        if (latest.get() != tape) {
            if (usedEagerly && !recording) {
                moveTo(step + 1);
            }
            uses = 0;
            latest = new WeakReference<>(tape);
        }
        usedEagerly |= !recording;
        int use = uses++;
        if (use == 0) {
            return counter;
        }
        if (!recording) {
            return setToUse(Tensor.ofInts(Shape.of(4), 0, 0, 0, 0), use);
        }
        while (later.size() < use) {
            later.add(setToUse(Tensor.ofInts(Shape.of(4), 0, 0, 0, 0).named("counter"), later.size() + 1));
        }
        return later.get(use - 1);
    }

    // The key follows from that of the first use, so that a checkpoint needs to keep only this one.
    private Tensor setToUse(Tensor target, int use) {
        int[] first = counter.toIntArray();
        long key = RandomStream.of(Integer.toUnsignedLong(first[0]) | (long) first[1] << 32, "use " + use).state().key();
        target.setInts((int) key, (int) (key >>> 32), (int) step, 0);
        return target;
    }

    @Override
    protected final void seed(long seed, String name) {
        long key = RandomStream.of(seed, purpose + " of " + name).state().key();
        counter.setInts((int) key, (int) (key >>> 32), 0, 0);
        moveTo(0);
    }

    @Override
    protected final void moveTo(long newStep) {
        step = newStep;
        uses = 0;
        usedEagerly = false;
        latest = new WeakReference<>(null);
        int[] now = counter.toIntArray();
        counter.setInts(now[0], now[1], (int) newStep, 0);
        for (int i = 0; i < later.size(); i++) {
            setToUse(later.get(i), i + 1);
        }
    }

    /// The probability of a zero.
    public final float p() {
        return p;
    }
}
