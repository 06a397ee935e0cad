package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Projections of weights to a norm, in place: a group of threads for each channel, in double precision.
///
/// The thresholds are sums of one multiplier for each tap set, as in [dev.normlab.engine.kernel.OverlappingSums]. Multipliers are raised
/// one after the other: given the others, the best one is the root of a sum that falls in straight pieces, which Newton's method reaches
/// from below in a few steps. Sets that share no tap need one sweep over them, others sweeps until the multipliers rest.
final class TornadoProjections {

    /// Threads that work on one channel.
    static final int TEAM = 128;

    /// Multipliers that a group of threads holds.
    static final int MOST_SETS = 256;

    private static final int SWEEPS = 4000;
    private static final int STEPS = 200;

    /// A sum that exceeds the radius by no more than this part of it does not.
    private static final double EXCESS = 1e-13;

    /// Multipliers that move by no more than this part of the largest one rest.
    private static final double REST = 1e-11;

    private static final double LESS = 1.0 - 0x1p-24;
    private static final double SLACK = 1.0 - 0x1p-50;

    private TornadoProjections() {}

    static void slices(Launches l) {
        SliceLimit limit = l.attributes(SliceLimit.class);
        SliceNormSizes s = limit.slices();
        Operand weight = l.out(0), variance = l.inOr(0, weight);
        int sets = s.tapSets().size(), taps = s.kh() * s.kw(), has = l.has(0) ? 1 : 0;
        if (sets > MOST_SETS) {
            throw new AcceleratorException("the projection of a weight of " + sets + " tap sets; on a GPU it has at most " + MOST_SETS
                    + ": train on the CPU");
        }
        if (sets == 0) {
            return;
        }
        TornadoUpdates.Filters f = TornadoUpdates.Filters.of(s);
        List<Integer> masks = TornadoUpdates.masks(s);
        boolean overlapping = IntStream.range(0, taps)
                .anyMatch(tap -> IntStream.range(0, sets).map(set -> masks.get(set * taps + tap)).sum() > 1);
        int table = l.table(masks);
        // The radius as two floats, of which the second one is rounded down.
        float high = (float) limit.radius();
        float rest = (float) (limit.radius() - high);
        float low = rest > limit.radius() - high ? Math.nextDown(rest) : rest;
        l.tasks().groups(l.name(), s.channels(), TEAM, (graph, id) -> graph.task(id, TornadoProjections::slicesKernel, l.context,
                l.floats(), l.ints(), weight.at(), variance.at(), has, high, low, limit.eps(), taps, sets, l.tableAt() + table, s.filters(),
                f.channelsOfGroup(), f.groupStep(), f.channelStep(), f.filterStep(), overlapping ? SWEEPS : 1));
    }

    // Filter i of a channel begins at tap 0 of `channel / channelsOfGroup * groupStep + channel % channelsOfGroup * channelStep + i *
    // filterStep`; masks [sets, taps]
    static void slicesKernel(KernelContext context, FloatArray floats, IntArray ints, int weightAt, int varAt, int has, float radius,
            float radiusRest, float eps, int taps, int sets, int masksAt, int filters, int channelsOfGroup, int groupStep, int channelStep,
            int filterStep, int mostSweeps) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        double[] counts = context.allocateDoubleLocalArray(TEAM);
        double[] multipliers = context.allocateDoubleLocalArray(MOST_SETS);
        int thread = context.localIdx;
        int channel = context.groupIdx;
        int first = channel / channelsOfGroup * groupStep + channel % channelsOfGroup * channelStep;
        int n = filters * taps;
        double r = (double) radius + (double) radiusRest;
        if (has == 1) {
            r = r * TornadoMath.sqrt((double) floats.get(varAt + channel) + (double) eps);
        }
        double notFinite = 0.0;
        for (int j = thread; j < n; j += TEAM) {
            float zero = floats.get(weightAt + (first + j / taps * filterStep) * taps + j % taps) * 0f;
            notFinite = zero == 0f ? notFinite : 1.0;
        }
        sums[thread] = notFinite;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double broken = sums[0];
        for (int i = thread; i < sets; i += TEAM) {
            multipliers[i] = 0.0;
        }
        context.localBarrier();
        double raised = 0.0;
        int sweeps = 1;
        for (int sweep = 0; sweep < sweeps; sweep++) {
            double moved = 0.0;
            raised = 0.0;
            for (int set = 0; set < sets; set++) {
                double before = multipliers[set];
                context.localBarrier();
                if (thread == 0) {
                    multipliers[set] = 0.0;
                }
                context.localBarrier();
                double own = 0.0;
                int steps = 1;
                for (int step = 0; step < steps; step++) {
                    double sum = 0.0;
                    double count = 0.0;
                    for (int j = thread; j < n; j += TEAM) {
                        int tap = j % taps;
                        double threshold = own;
                        for (int other = 0; other < sets; other++) {
                            threshold = threshold + (double) ints.get(masksAt + other * taps + tap) * multipliers[other];
                        }
                        float w = floats.get(weightAt + (first + j / taps * filterStep) * taps + tap);
                        double size = w < 0f ? -w : w;
                        double left = size - threshold;
                        double belongs = (double) ints.get(masksAt + set * taps + tap);
                        sum = left > 0.0 ? sum + belongs * left : sum;
                        count = left > 0.0 ? count + belongs : count;
                    }
                    sums[thread] = sum;
                    counts[thread] = count;
                    for (int half = TEAM / 2; half > 0; half = half / 2) {
                        context.localBarrier();
                        if (thread < half) {
                            sums[thread] = sums[thread] + sums[thread + half];
                            counts[thread] = counts[thread] + counts[thread + half];
                        }
                    }
                    context.localBarrier();
                    double excess = broken == 0.0 ? sums[0] - r : -1.0;
                    double support = counts[0];
                    context.localBarrier();
                    int more = step < STEPS ? step + 2 : steps;
                    steps = excess > EXCESS * r ? more : steps;
                    own = excess > EXCESS * r ? own + excess / support : own;
                }
                if (thread == 0) {
                    multipliers[set] = own;
                }
                context.localBarrier();
                double by = own - before;
                double distance = by < 0.0 ? -by : by;
                moved = distance > moved ? distance : moved;
                raised = own > raised ? own : raised;
            }
            int again = sweep + 1 < mostSweeps ? sweep + 2 : sweeps;
            sweeps = moved > REST * raised ? again : sweeps;
        }
        for (int j = thread; j < n; j += TEAM) {
            int tap = j % taps;
            int at = weightAt + (first + j / taps * filterStep) * taps + tap;
            double threshold = 0.0;
            for (int other = 0; other < sets; other++) {
                threshold = threshold + (double) ints.get(masksAt + other * taps + tap) * multipliers[other];
            }
            float w = floats.get(at);
            double size = w < 0f ? -w : w;
            double left = size - threshold;
            double value = left > 0.0 ? left : 0.0;
            float rounded = (float) value;
            float nearer = (float) ((double) rounded * LESS);
            float inside = (double) rounded > value ? nearer : rounded;
            float signed = w < 0f ? -inside : inside;
            floats.set(at, threshold > 0.0 ? signed : w);
        }
        for (int set = 0; set < sets; set++) {
            double sum = 0.0;
            for (int j = thread; j < n; j += TEAM) {
                int tap = j % taps;
                float w = floats.get(weightAt + (first + j / taps * filterStep) * taps + tap);
                double size = w < 0f ? -w : w;
                sum = sum + (double) ints.get(masksAt + set * taps + tap) * size;
            }
            sums[thread] = sum;
            for (int half = TEAM / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (thread < half) {
                    sums[thread] = sums[thread] + sums[thread + half];
                }
            }
            context.localBarrier();
            double whole = sums[0];
            context.localBarrier();
            double smaller = whole > r ? r / whole * SLACK : 1.0;
            double factor = raised > 0.0 ? smaller : 1.0;
            for (int j = thread; j < n; j += TEAM) {
                int tap = j % taps;
                int at = weightAt + (first + j / taps * filterStep) * taps + tap;
                float w = floats.get(at);
                double size = w < 0f ? -w : w;
                double value = size * factor;
                float rounded = (float) value;
                float nearer = (float) ((double) rounded * LESS);
                float inside = (double) rounded > value ? nearer : rounded;
                float signed = w < 0f ? -inside : inside;
                float scaled = factor < 1.0 ? signed : w;
                floats.set(at, ints.get(masksAt + set * taps + tap) == 1 ? scaled : w);
            }
        }
    }
}
