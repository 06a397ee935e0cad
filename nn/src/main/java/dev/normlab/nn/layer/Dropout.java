package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;

/// In training sets every element to zero with probability `p` and divides the others by `1 - p` (Srivastava et al. 2014); in evaluation
/// passes its input on.
///
/// The mask is a function of the run's seed, the layer's name, the number of the training step, and which pass through the layer it is in
/// that step, whatever was computed before: several passes on one tape, as of clean and adversarial images, have a mask each. Where nobody
/// says the step with [Layer#atStep], an eager pass on another tape than the one before belongs to the next step; a recorded pass reads its
/// counter at every replay.
public final class Dropout extends Layer {

    private final float p;
    /// One for every pass of a step; the first is kept in checkpoints, the others follow from it.
    private final List<Tensor> counters = new ArrayList<>(List.of(randomState("counter")));
    private WeakReference<Tape> tapeOfStep = new WeakReference<>(null);
    private boolean used;
    private int passes;
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
        if (tapeOfStep.get() != tape) {
            if (used && !x.isVirtual()) {
                moveTo(step + 1);
            }
            tapeOfStep = new WeakReference<>(tape);
            passes = 0;
        }
        used |= !x.isVirtual();
        return dev.normlab.engine.autograd.Dropout.dropout(tape, x, p, counterOfPass(passes++));
    }

    private Tensor counterOfPass(int pass) {
        while (counters.size() <= pass) {
            counters.add(Tensor.ofInts(Shape.of(4), 0, 0, 0, 0).named("counter of pass " + counters.size()));
            fill(counters.size() - 1);
        }
        return counters.get(pass);
    }

    private void fill(int pass) {
        int[] first = counters.getFirst().toIntArray();
        long key = first[0] & 0xffffffffL | (long) first[1] << 32;
        long ofPass = pass == 0 ? key : RandomStream.of(key, "pass " + pass).state().key();
        counters.get(pass).setInts((int) ofPass, (int) (ofPass >>> 32), (int) step, 0);
    }

    @Override
    protected void seed(long seed, String name) {
        long key = RandomStream.of(seed, "dropout of " + name).state().key();
        counters.getFirst().setInts((int) key, (int) (key >>> 32), 0, 0);
    }

    @Override
    protected void moveTo(long newStep) {
        step = newStep;
        tapeOfStep = new WeakReference<>(null);
        used = false;
        for (int pass = 0; pass < counters.size(); pass++) {
            fill(pass);
        }
    }

    /// The probability of a zero.
    public float p() {
        return p;
    }
}
