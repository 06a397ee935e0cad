package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.LargestSlice;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.kernel.UpdateKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Updates in place, each in one pass over its tensors. Optimisers and attack steps round where the scalar kernels round, so that both give
/// the same bits; steps of Auto-PGD are the scalar kernels', which take next to no time beside the pass through the model. Sums of absolute
/// weights agree to rounding ([AbsoluteSums]).
final class VectorUpdates implements UpdateKernels {

    private final UpdateKernels scalar;

    VectorUpdates(UpdateKernels scalar) {
        this.scalar = scalar;
    }

    @Override
    public void sgd(Storage grad, Storage scalars, Storage parameter, Storage velocity, Workspace workspace) {
        float[] constants = scalars.floats();
        double lr = constants[0], momentum = constants[1], weightDecay = constants[3], fresh = 1.0 - constants[2];
        boolean nesterov = constants[4] != 0, firstStep = constants[5] != 0;
        float[] gs = grad.floats(), ps = parameter.floats(), vs = velocity.floats();
        int length = parameter.shape().elements();
        if (momentum == 0) {
            Ranges.each(workspace, length, (from, to) -> UpdateLoops.descend(lr, weightDecay, gs, ps, from, to));
        } else if (firstStep) {
            scalar.sgd(grad, scalars, parameter, velocity, workspace);
        } else if (nesterov) {
            Ranges.each(workspace, length, (from, to) -> UpdateLoops.nesterov(lr, momentum, fresh, weightDecay, gs, ps, vs, from, to));
        } else {
            Ranges.each(workspace, length, (from, to) -> UpdateLoops.momentum(lr, momentum, fresh, weightDecay, gs, ps, vs, from, to));
        }
    }

    @Override
    public void adam(Storage grad, Storage scalars, Storage parameter, Storage firstMoment, Storage secondMoment, Workspace workspace) {
        float[] constants = scalars.floats();
        float[] gs = grad.floats(), ps = parameter.floats(), ms = firstMoment.floats(), vs = secondMoment.floats();
        Ranges.each(workspace, parameter.shape().elements(), (from, to) -> UpdateLoops.adam(constants, gs, ps, ms, vs, from, to));
    }

    @Override
    public void addScaled(Storage x, Storage factor, Storage target, Workspace workspace) {
        float scale = factor.floats()[0];
        float[] xs = x.floats(), targets = target.floats();
        Ranges.each(workspace, target.shape().elements(), (from, to) -> UpdateLoops.addScaled(scale, xs, targets, from, to));
    }

    @Override
    public void assign(Storage x, Storage target, Workspace workspace) {
        Object source = x.dtype() == DType.INT32 ? x.ints() : x.floats();
        Object sink = target.dtype() == DType.INT32 ? target.ints() : target.floats();
        Ranges.each(workspace, target.shape().elements(), (from, to) -> System.arraycopy(source, from, sink, from, to - from));
    }

    @Override
    public void absoluteSums(SliceNormSizes s, Storage weight, double[] table, Workspace workspace) {
        boolean fast = AbsoluteSums.fits(s);
        if (fast && s.byOutput()) {
            AbsoluteSums.byOutput(s, weight.floats(), table, workspace);
        } else if (fast) {
            AbsoluteSums.byInput(s, weight.floats(), table, workspace);
        }
        if (!fast || !AbsoluteSums.isFinite(table, s.channels() * s.kh() * s.kw())) {
            scalar.absoluteSums(s, weight, table, workspace);
        }
    }

    @Override
    public void sliceNorm(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage norm, Storage argMax,
            Workspace workspace) {
        SliceNormSizes slices = s.wholeRows();
        double[] table = workspace.scratchDoubles(0, "slices", slices.channels() * slices.kh() * slices.kw());
        absoluteSums(slices, weight, table, workspace);
        LargestSlice largest = LargestSlice.of(slices, table, channelScale == null ? null : channelScale.floats());
        norm.floats()[0] = (float) largest.norm();
        argMax.ints()[0] = largest.channel();
        argMax.ints()[1] = largest.tapSet();
    }

    // One pass as if no slice were chosen; then the few weights of the slice, whose gradients were kept before it.
    @Override
    public void sliceDecay(SliceNormSizes s, Storage weight, @Nullable Storage channelScale, Storage argMax, Storage scalars, Storage trace,
            Storage grad, Workspace workspace) {
        float beta = scalars.floats()[0], momentum = scalars.floats()[1];
        float[] weights = weight.floats(), traces = trace.floats(), gs = grad.floats();
        int channel = argMax.ints()[0];
        int filters = channel < 0 ? 0 : s.filters(), taps = s.kh() * s.kw();
        float[] kept = workspace.scratch(0, "gradients of the slice", filters * taps);
        for (int i = 0; i < filters; i++) {
            System.arraycopy(gs, s.filter(channel, i) * taps, kept, i * taps, taps);
        }
        Ranges.each(workspace, weight.shape().elements(), (from, to) -> UpdateLoops.decay(beta, momentum, traces, gs, from, to));
        if (channel < 0) {
            return;
        }
        TapSet set = s.tapSets().get(argMax.ints()[1]);
        float scale = channelScale == null ? 1f : channelScale.floats()[channel];
        for (int ikh : set.rows()) {
            for (int ikw : set.columns()) {
                int tap = ikh * s.kw() + ikw;
                for (int i = 0; i < filters; i++) {
                    int at = s.filter(channel, i) * taps + tap;
                    traces[at] = Math.signum(weights[at]) * scale;
                    gs[at] = kept[i * taps + tap] + beta * traces[at];
                }
            }
        }
    }

    // The scalar kernels': with every channel beyond its radius by a step, 512 x 512 kernels of 3 x 3 with four sets that share taps took
    // 113 to 145 ms on one core, measured before taps had a loop of their own in OverlappingSums.
    @Override
    public void projectSlices(SliceLimit limit, @Nullable Storage channelVariance, Storage weight, Workspace workspace) {
        scalar.projectSlices(limit, channelVariance, weight, workspace);
    }

    @Override
    public void signStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace) {
        float step = stepSize.floats()[0], radius = eps.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats();
        Ranges.each(workspace, point.shape().elements(), (from, to) -> AttackLoops.signStep(step, radius, gs, cs, xs, from, to));
    }

    @Override
    public void unitStep(Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage point, Workspace workspace) {
        float step = stepSize.floats()[0], radius = eps.floats()[0];
        float[] gs = gradient.floats(), cs = clean.floats(), xs = point.floats();
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.shape().elements() / n;
        workspace.workers().run(n, (in, worker) -> {
            double[] lanes = workspace.scratchDoubles(worker, "lanes of a length", DoubleLanes.D);
            AttackLoops.unitStep(step, radius, gs, cs, xs, in * each, (in + 1) * each, lanes);
        });
    }

    @Override
    public void momentumStep(StepDirection direction, Storage gradient, Storage clean, Storage stepSize, Storage eps, Storage share,
            Storage point, Storage previous, Workspace workspace) {
        scalar.momentumStep(direction, gradient, clean, stepSize, eps, share, point, previous, workspace);
    }

    @Override
    public void sparseStep(Storage gradient, Storage clean, Storage rank, Storage stepSize, Storage eps, Storage point,
            Workspace workspace) {
        scalar.sparseStep(gradient, clean, rank, stepSize, eps, point, workspace);
    }
}
