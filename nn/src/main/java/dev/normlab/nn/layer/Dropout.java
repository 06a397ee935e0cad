package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Tensor;

/// In training sets every element to zero with probability `p` and divides the others by `1 - p` (Srivastava et al. 2014); in evaluation
/// passes its input on.
///
/// The mask of a training step is a function of the run's seed, the layer's name and the number of the step, whatever was computed before.
/// An eager forward pass in training moves on to the next step's mask; a recorded one reads the counter at every replay, and [Layer#atStep]
/// sets it.
public final class Dropout extends Layer {

    private final float p;
    private final Tensor counter = randomState("counter");
    private long step;

    /// @throws IllegalArgumentException unless `0 <= p < 1`
    public Dropout(float p) {
        if (!(p >= 0 && p < 1)) {
            throw new IllegalArgumentException("Dropout: the probability lies in [0, 1), but got " + p);
        }
        this.p = p;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        if (!isTraining() || p == 0) {
            return x;
        }
        Tensor y = dev.normlab.engine.autograd.Dropout.dropout(tape, x, p, counter);
        if (!x.isVirtual()) {
            moveTo(step + 1);
        }
        return y;
    }

    @Override
    protected void seed(long seed, String name) {
        long key = RandomStream.of(seed, "dropout of " + name).state().key();
        counter.setInts((int) key, (int) (key >>> 32), 0, 0);
    }

    @Override
    protected void moveTo(long newStep) {
        step = newStep;
        int[] now = counter.toIntArray();
        counter.setInts(now[0], now[1], (int) newStep, 0);
    }

    /// The probability of a zero.
    public float p() {
        return p;
    }
}
