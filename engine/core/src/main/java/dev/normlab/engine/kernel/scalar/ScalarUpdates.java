package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.LargestSlice;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.kernel.SliceProjection;
import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.kernel.UpdateKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Updates in place. Optimisers round every stored quantity once; slice sums run in double precision.
final class ScalarUpdates implements UpdateKernels {

    // scalars {lr, momentum, dampening, weightDecay, nesterov, firstStep}
    @Override
    public void sgd(Storage grad, Storage scalars, Storage parameter, Storage velocity, Workspace workspace) {
        float[] constants = scalars.floats();
        float lr = constants[0], momentum = constants[1], dampening = constants[2], weightDecay = constants[3];
        boolean nesterov = constants[4] != 0, firstStep = constants[5] != 0;
        float[] gs = grad.floats(), ps = parameter.floats(), vs = velocity.floats();
        Chunks.run(workspace, parameter.shape().elements(), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                double p = ps[i];
                double g = gs[i] + weightDecay * p;
                double step = g;
                if (momentum != 0) {
                    vs[i] = (float) (firstStep ? g : momentum * (double) vs[i] + (1.0 - dampening) * g);
                    step = nesterov ? g + momentum * (double) vs[i] : vs[i];
                }
                ps[i] = (float) (p - lr * step);
            }
        });
    }

    // scalars {lr, beta1, beta2, eps, weightDecay, decoupled, 1 - beta1^t, 1 - beta2^t}; Kingma and Ba 2015, Loshchilov and Hutter 2019
    @Override
    public void adam(Storage grad, Storage scalars, Storage parameter, Storage firstMoment, Storage secondMoment, Workspace workspace) {
        float[] constants = scalars.floats();
        double lr = constants[0], beta1 = constants[1], beta2 = constants[2], eps = constants[3], weightDecay = constants[4];
        boolean decoupled = constants[5] != 0;
        double correction1 = constants[6], correction2 = constants[7];
        float[] gs = grad.floats(), ps = parameter.floats(), ms = firstMoment.floats(), vs = secondMoment.floats();
        Chunks.run(workspace, parameter.shape().elements(), 4, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                double p = decoupled ? ps[i] * (1 - lr * weightDecay) : ps[i];
                double g = decoupled ? gs[i] : gs[i] + weightDecay * p;
                ms[i] = (float) (beta1 * ms[i] + (1 - beta1) * g);
                vs[i] = (float) (beta2 * vs[i] + (1 - beta2) * g * g);
                ps[i] = (float) (p - lr * (ms[i] / correction1) / (Math.sqrt(vs[i] / correction2) + eps));
            }
        });
    }

    @Override
    public void addScaled(Storage x, Storage factor, Storage target, Workspace workspace) {
        float scale = factor.floats()[0];
        float[] xs = x.floats();
        float[] targets = target.floats();
        Chunks.run(workspace, target.shape().elements(), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                targets[i] += scale * xs[i];
            }
        });
    }

    @Override
    public void assign(Storage x, Storage target, Workspace workspace) {
        Object source = x.dtype() == DType.INT32 ? x.ints() : x.floats();
        Object sink = target.dtype() == DType.INT32 ? target.ints() : target.floats();
        System.arraycopy(source, 0, sink, 0, target.shape().elements());
    }

    // weight [o, c/groups, kh, kw], table [channels, kh, kw]
    @Override
    public void absoluteSums(SliceNormSizes s, Storage weight, double[] table, Workspace workspace) {
        int taps = s.kh() * s.kw();
        float[] weights = weight.floats();
        Chunks.run(workspace, s.channels(), (long) s.filters() * taps, (from, to, _) -> {
            Arrays.fill(table, from * taps, to * taps, 0);
            for (int ic = from; ic < to; ic++) {
                for (int i = 0; i < s.filters(); i++) {
                    int filter = s.filter(ic, i);
                    for (int tap = 0; tap < taps; tap++) {
                        table[ic * taps + tap] += Math.abs(weights[filter * taps + tap]);
                    }
                }
            }
        });
    }

    // weight [o, c/groups, kh, kw], channelScale [channels], norm [1], argMax [2]
    @Override
    public void sliceNorm(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage norm, Storage argMax,
            Workspace workspace) {
        double[] table = workspace.scratchDoubles(0, "slices", s.channels() * s.kh() * s.kw());
        absoluteSums(s, weight, table, workspace);
        LargestSlice largest = LargestSlice.of(s, table, channelScale == null ? null : channelScale.floats());
        norm.floats()[0] = (float) largest.norm();
        argMax.ints()[0] = largest.channel();
        argMax.ints()[1] = largest.tapSet();
    }

    @Override
    public void projectSlices(SliceLimit limit, @Nullable Storage channelVariance, Storage weight, Workspace workspace) {
        SliceNormSizes s = limit.slices();
        SliceProjection projection = new SliceProjection(s);
        float[] weights = weight.floats(), variances = channelVariance == null ? null : channelVariance.floats();
        Chunks.run(workspace, s.channels(), (long) s.filters() * s.kh() * s.kw(), (from, to, _) -> {
            for (int channel = from; channel < to; channel++) {
                projection.project(channel, weights, variances == null ? limit.radius() : limit.radius(variances[channel]));
            }
        });
    }

    // weight, trace, grad [o, c/groups, kh, kw]; argMax [2]; scalars {beta, momentum}
    @Override
    public void sliceDecay(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage argMax, Storage scalars, Storage trace,
            Storage grad,
            Workspace workspace) {
        float beta = scalars.floats()[0], momentum = scalars.floats()[1];
        float[] weights = weight.floats(), traces = trace.floats(), gs = grad.floats();
        int elements = weight.shape().elements();
        Chunks.run(workspace, elements, 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                traces[i] *= momentum;
            }
        });
        int channel = argMax.ints()[0];
        if (channel >= 0) {
            TapSet set = s.tapSets().get(argMax.ints()[1]);
            float scale = channelScale == null ? 1f : channelScale.floats()[channel];
            for (int i = 0; i < s.filters(); i++) {
                int filter = s.filter(channel, i);
                for (int ikh : set.rows()) {
                    for (int ikw : set.columns()) {
                        int at = (filter * s.kh() + ikh) * s.kw() + ikw;
                        traces[at] = Math.signum(weights[at]) * scale;
                    }
                }
            }
        }
        Chunks.run(workspace, elements, 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                gs[i] += beta * traces[i];
            }
        });
    }

    @Override
    public void signStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace) {
        float step = stepSize.floats()[0], radius = eps.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats();
        Chunks.run(workspace, point.shape().elements(), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                float moved = xs[i] + Math.signum(gs[i]) * step;
                float inBall = Math.max(Math.min(moved, cs[i] + radius), cs[i] - radius);
                xs[i] = Math.min(Math.max(inBall, 0f), 1f);
            }
        });
    }

    // point, gradient, clean [n, ..]
    @Override
    public void unitStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace) {
        float step = stepSize.floats()[0], radius = eps.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats();
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.shape().elements() / n;
        Chunks.run(workspace, n, 3L * each, (from, to, _) -> {
            for (int start = from * each; start < to * each; start += each) {
                double squares = 0;
                for (int i = start; i < start + each; i++) {
                    squares += (double) gs[i] * gs[i];
                }
                float length = length(squares);
                squares = 0;
                for (int i = start; i < start + each; i++) {
                    xs[i] = xs[i] + gs[i] / length * step - cs[i];
                    squares += (double) xs[i] * xs[i];
                }
                float factor = Math.min(Math.max(radius / length(squares), 0f), 1f);
                for (int i = start; i < start + each; i++) {
                    xs[i] = Math.min(Math.max(cs[i] + xs[i] * factor, 0f), 1f);
                }
            }
        });
    }

    // point, previous, gradient, clean [n, ..]; stepSize [n]
    @Override
    public void momentumStep(StepDirection direction, Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage share,
            Storage point, Storage previous, Workspace workspace) {
        float radius = eps.floats()[0], part = share.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats(), ps = previous.floats(), steps = stepSize.floats();
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.shape().elements() / n;
        float[] ahead = workspace.scratch(0, "points ahead", n * each);
        Chunks.run(workspace, n, 16L * each, (from, to, _) -> {
            for (int in = from; in < to; in++) {
                if (steps[in] != 0) {
                    ScalarAttackSteps.momentum(direction, steps[in], radius, part, gs, cs, xs, ps, ahead, in * each, each);
                }
            }
        });
    }

    // point, gradient, clean [n, ..]; rank, stepSize [n]
    @Override
    public void sparseStep(Storage gradient, Storage clean, Storage rank, Storage stepSize, Storage eps, Storage point,
            Workspace workspace) {
        float radius = eps.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats(), steps = stepSize.floats();
        int[] ranks = rank.ints();
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.shape().elements() / n;
        float[] sizes = workspace.scratch(0, "gradient sizes", n * each);
        Chunks.run(workspace, n, 200L * each, (from, to, _) -> {
            for (int in = from; in < to; in++) {
                if (steps[in] != 0) {
                    ScalarAttackSteps.sparse(ranks[in], steps[in], radius, gs, cs, xs, sizes, in * each, each);
                }
            }
        });
    }

    private static float length(double squares) {
        return Math.max((float) Math.sqrt(squares), 1e-12f);
    }
}
