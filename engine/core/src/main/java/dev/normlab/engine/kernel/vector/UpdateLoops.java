package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/// The loops of [VectorUpdates], over the elements `from .. to - 1` of their arrays. Optimisers compute in double precision and round every
/// stored quantity once, as the scalar kernels do; they are bound by memory, so plain loops do.
final class UpdateLoops {

    private UpdateLoops() {}

    // p -= lr * (g + weightDecay * p)
    static void descend(double lr, double weightDecay, float[] gs, float[] ps, int from, int to) {
        for (int i = from; i < to; i++) {
            double p = ps[i];
            ps[i] = (float) (p - lr * (gs[i] + weightDecay * p));
        }
    }

    // g += weightDecay * p; v = momentum * v + fresh * g; p -= lr * v
    static void momentum(double lr, double momentum, double fresh, double weightDecay, float[] gs, float[] ps, float[] vs, int from,
            int to) {
        for (int i = from; i < to; i++) {
            double p = ps[i];
            double g = gs[i] + weightDecay * p;
            vs[i] = (float) (momentum * vs[i] + fresh * g);
            ps[i] = (float) (p - lr * vs[i]);
        }
    }

    // g += weightDecay * p; v = momentum * v + fresh * g; p -= lr * (g + momentum * v)
    static void nesterov(double lr, double momentum, double fresh, double weightDecay, float[] gs, float[] ps, float[] vs, int from,
            int to) {
        for (int i = from; i < to; i++) {
            double p = ps[i];
            double g = gs[i] + weightDecay * p;
            vs[i] = (float) (momentum * vs[i] + fresh * g);
            ps[i] = (float) (p - lr * (g + momentum * vs[i]));
        }
    }

    // scalars {lr, beta1, beta2, eps, weightDecay, decoupled, 1 - beta1^t, 1 - beta2^t}; the whole update of a decoupled decay is p * keep
    static void adam(float[] scalars, float[] gs, float[] ps, float[] ms, float[] vs, int from, int to) {
        double lr = scalars[0], beta1 = scalars[1], beta2 = scalars[2], eps = scalars[3], weightDecay = scalars[4];
        double correction1 = scalars[6], correction2 = scalars[7];
        boolean decoupled = scalars[5] != 0;
        double keep = decoupled ? 1 - lr * weightDecay : 1;
        for (int i = from; i < to; i++) {
            double p = ps[i] * keep;
            double g = decoupled ? gs[i] : gs[i] + weightDecay * p;
            ms[i] = (float) (beta1 * ms[i] + (1 - beta1) * g);
            vs[i] = (float) (beta2 * vs[i] + (1 - beta2) * g * g);
            ps[i] = (float) (p - lr * (ms[i] / correction1) / (Math.sqrt(vs[i] / correction2) + eps));
        }
    }

    // target += scale * x
    static void addScaled(float scale, float[] x, float[] target, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(target, i).add(load(x, i).mul(scale)).intoArray(target, i);
        }
        for (; i < to; i++) {
            target[i] += scale * x[i];
        }
    }

    // trace *= momentum; grad += beta * trace
    static void decay(float beta, float momentum, float[] trace, float[] grad, int from, int to) {
        FloatVector factor = all(beta), keep = all(momentum);
        int i = from;
        for (; i <= to - V; i += V) {
            FloatVector t = load(trace, i).mul(keep);
            t.intoArray(trace, i);
            load(grad, i).add(t.mul(factor)).intoArray(grad, i);
        }
        for (; i < to; i++) {
            trace[i] *= momentum;
            grad[i] += beta * trace[i];
        }
    }
}
