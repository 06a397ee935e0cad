package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Updates in place: optimisers and norm decay. Every stored quantity is rounded once.
final class TornadoUpdates {

    /// Threads that work on one share, or on one comparison.
    static final int TEAM = 128;

    /// Elements of a parameter that one group of threads updates.
    static final int SHARE = 2048;

    /// Groups that look for numbers that are not finite.
    static final int COUNTERS = 128;

    private TornadoUpdates() {}

    /// The SGD steps `from .. end - 1` of the program, which are independent of each other, in one launch: a table says to every group of
    /// threads where its share of a parameter lies.
    static void sgd(Launches l, int from, int end) {
        List<IntSupplier> shares = new ArrayList<>();
        for (int i = from; i < end; i++) {
            Operand grad = l.in(i, 0), scalars = l.in(i, 1), parameter = l.out(i, 0), velocity = l.out(i, 1);
            int elements = parameter.elements();
            for (int start = 0; start < elements; start += SHARE) {
                int first = start;
                shares.add(() -> grad.at() + first);
                shares.add(scalars::at);
                shares.add(() -> parameter.at() + first);
                shares.add(() -> velocity.at() + first);
                shares.add(() -> Math.min(SHARE, elements - first));
            }
        }
        int table = l.lateTable(shares);
        l.tasks().groups(l.name(), shares.size() / 5, TEAM,
                (graph, id) -> graph.task(id, TornadoUpdates::sgdSharesKernel, l.context, l.floats(),
                        l.ints(), l.tableAt() + table));
    }

    // Shares {gradAt, scalarsAt, parameterAt, velocityAt, elements}; scalars {lr, momentum, dampening, weightDecay, nesterov, firstStep}
    static void sgdSharesKernel(KernelContext context, FloatArray floats, IntArray ints, int sharesAt) {
        int share = sharesAt + context.groupIdx * 5;
        int gradAt = ints.get(share);
        int scalarsAt = ints.get(share + 1);
        int parameterAt = ints.get(share + 2);
        int velocityAt = ints.get(share + 3);
        int n = ints.get(share + 4);
        for (int i = context.localIdx; i < n; i += TEAM) {
            double momentum = floats.get(scalarsAt + 1);
            double p = floats.get(parameterAt + i);
            double g = floats.get(gradAt + i) + floats.get(scalarsAt + 3) * p;
            double step = g;
            if (momentum != 0.0) {
                double blended = momentum * floats.get(velocityAt + i) + (1.0 - floats.get(scalarsAt + 2)) * g;
                float v = (float) (floats.get(scalarsAt + 5) != 0f ? g : blended);
                floats.set(velocityAt + i, v);
                step = floats.get(scalarsAt + 4) != 0f ? g + momentum * v : (double) v;
            }
            floats.set(parameterAt + i, (float) (p - floats.get(scalarsAt) * step));
        }
    }

    static void adam(Launches l) {
        Operand grad = l.in(0), scalars = l.in(1), parameter = l.out(0), first = l.out(1), second = l.out(2);
        l.tasks().forEach(l.name(), parameter.elements(), (graph, id) -> graph.task(id, TornadoUpdates::adamKernel, l.context, l.floats(),
                grad.at(), scalars.at(), parameter.at(), first.at(), second.at(), parameter.elements()));
    }

    // scalars {lr, beta1, beta2, eps, weightDecay, decoupled, 1 - beta1^t, 1 - beta2^t}; Kingma and Ba 2015, Loshchilov and Hutter 2019
    static void adamKernel(KernelContext context, FloatArray floats, int gradAt, int scalarsAt, int parameterAt, int firstAt, int secondAt,
            int n) {
        int i = context.globalIdx;
        if (i < n) {
            double lr = floats.get(scalarsAt), beta1 = floats.get(scalarsAt + 1), beta2 = floats.get(scalarsAt + 2);
            double weightDecay = floats.get(scalarsAt + 4);
            double p = floats.get(parameterAt + i);
            double g = floats.get(gradAt + i);
            double decayed = p * (1.0 - lr * weightDecay);
            double coupled = g + weightDecay * p;
            g = floats.get(scalarsAt + 5) != 0f ? g : coupled;
            p = floats.get(scalarsAt + 5) != 0f ? decayed : p;
            float m = (float) (beta1 * floats.get(firstAt + i) + (1.0 - beta1) * g);
            float v = (float) (beta2 * floats.get(secondAt + i) + (1.0 - beta2) * g * g);
            floats.set(firstAt + i, m);
            floats.set(secondAt + i, v);
            double root = TornadoMath.sqrt((double) v / floats.get(scalarsAt + 7)) + floats.get(scalarsAt + 3);
            floats.set(parameterAt + i, (float) (p - lr * ((double) m / floats.get(scalarsAt + 6)) / root));
        }
    }

    static void addScaled(Launches l) {
        Operand x = l.in(0), factor = l.in(1), target = l.out(0);
        l.tasks().forEach(l.name(), target.elements(), (graph, id) -> graph.task(id, TornadoUpdates::addScaledKernel, l.context, l.floats(),
                x.at(), factor.at(), target.at(), target.elements()));
    }

    // target += factor * x
    static void addScaledKernel(KernelContext context, FloatArray floats, int xAt, int factorAt, int targetAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(targetAt + i, floats.get(targetAt + i) + floats.get(factorAt) * floats.get(xAt + i));
        }
    }

    static void sliceNorm(Launches l) {
        SliceNormSizes s = l.attributes(SliceNormSizes.class);
        Operand weight = l.in(0), scale = l.inOr(1, weight), norm = l.out(0), argMax = l.out(1);
        int has = l.has(1) ? 1 : 0, taps = s.kh() * s.kw(), channels = s.channels(), sets = s.tapSets().size();
        Operand sums = l.scratch(Math.max(1, 2 * channels * taps));
        Filters f = Filters.of(s);
        if (sets > 0) {
            l.tasks().forEach(l.name(), channels * taps, (graph, id) -> graph.task(id, TornadoUpdates::absoluteSums, l.context, l.floats(),
                    weight.at(), sums.at(), channels, taps, s.filters(), f.channelsOfGroup, f.groupStep,
                    f.channelStep, f.filterStep));
        }
        int masks = l.table(masks(s));
        l.tasks().groups(l.name(), 1, TEAM,
                (graph, id) -> graph.task(id, TornadoUpdates::largestSlice, l.context, l.floats(), l.ints(), sums.at(),
                        scale.at(), has, l.tableAt() + masks, norm.at(), argMax.at(), channels, taps,
                        sets));
    }

    /// Where the filters of a channel lie in `[o, c/groups]`: channel `ic` begins at `ic / channelsOfGroup * groupStep + ic %
    /// channelsOfGroup * channelStep`, and its filters are `filterStep` apart.
    record Filters(int channelsOfGroup, int groupStep, int channelStep, int filterStep) {

        static Filters of(SliceNormSizes s) {
            int inputs = s.groupInputs();
            return s.byOutput() ? new Filters(1, inputs, 0, 1) : new Filters(inputs, s.o() / s.groups() * inputs, 1, inputs);
        }
    }

    /// For every tap set, for every tap: whether it belongs to the set.
    static List<Integer> masks(SliceNormSizes s) {
        List<Integer> masks = new ArrayList<>();
        for (TapSet set : s.tapSets()) {
            for (int tap = 0; tap < s.kh() * s.kw(); tap++) {
                masks.add(set.rows().contains(tap / s.kw()) && set.columns().contains(tap % s.kw()) ? 1 : 0);
            }
        }
        return masks.isEmpty() ? List.of(0) : masks;
    }

    // sums[channel, tap] of |weight| over the channel's filters, as the sum of two floats
    static void absoluteSums(KernelContext context, FloatArray floats, int weightAt, int sumsAt, int channels, int taps, int filters,
            int channelsOfGroup, int groupStep, int channelStep, int filterStep) {
        int i = context.globalIdx;
        if (i < channels * taps) {
            int ic = i / taps;
            int tap = i % taps;
            int first = ic / channelsOfGroup * groupStep + ic % channelsOfGroup * channelStep;
            double sum = 0.0;
            for (int j = 0; j < filters; j++) {
                float value = floats.get(weightAt + (first + j * filterStep) * taps + tap);
                sum = sum + (double) TornadoMath.abs(value);
            }
            float high = (float) sum;
            floats.set(sumsAt + 2 * i, high);
            double low = sum - high;
            floats.set(sumsAt + 2 * i + 1, low == low ? (float) low : 0f);
        }
    }

    // The largest sum over (channel, tap set), the first on ties, the first NaN above all; -1 without tap sets
    static void largestSlice(KernelContext context, FloatArray floats, IntArray ints, int sumsAt, int scaleAt, int has, int masks,
            int normAt, int argMaxAt, int channels, int taps, int sets) {
        double[] largest = context.allocateDoubleLocalArray(TEAM);
        int[] where = context.allocateIntLocalArray(TEAM);
        int thread = context.localIdx;
        double best = 0.0;
        int at = -1;
        for (int i = thread; i < channels * sets; i += TEAM) {
            int ic = i / sets;
            int set = i % sets;
            double sum = 0.0;
            for (int tap = 0; tap < taps; tap++) {
                int entry = sumsAt + 2 * (ic * taps + tap);
                double value = (double) floats.get(entry) + floats.get(entry + 1);
                sum = ints.get(masks + set * taps + tap) == 1 ? sum + value : sum;
            }
            if (has == 1) {
                sum = sum * floats.get(scaleAt + ic);
            }
            int greater = sum > best ? 1 : 0;
            int isNaN = sum != sum ? 1 : 0;
            int bestNaN = best != best ? 1 : 0;
            int first = at < 0 ? 1 : 0;
            int taken = first + (1 - bestNaN) * (isNaN + greater);
            best = taken > 0 ? sum : best;
            at = taken > 0 ? i : at;
        }
        largest[thread] = best;
        where[thread] = at;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                double mine = largest[thread];
                double other = largest[thread + half];
                int myAt = where[thread];
                int otherAt = where[thread + half];
                int mineNaN = mine != mine ? 1 : 0;
                int otherNaN = other != other ? 1 : 0;
                int equal = mine == other ? 1 : 0;
                int greater = other > mine ? 1 : 0;
                int earlier = otherAt < myAt ? 1 : 0;
                int known = otherAt >= 0 ? 1 : 0;
                int unknown = myAt < 0 ? 1 : 0;
                int better = (equal + mineNaN * otherNaN) * earlier + (1 - mineNaN) * (otherNaN + greater);
                int taken = known * (unknown + (1 - unknown) * better);
                largest[thread] = taken == 1 ? other : mine;
                where[thread] = taken == 1 ? otherAt : myAt;
            }
        }
        if (thread == 0) {
            int found = where[0];
            int divisor = sets > 0 ? sets : 1;
            floats.set(normAt, found < 0 ? 0f : (float) largest[0]);
            ints.set(argMaxAt, found < 0 ? -1 : found / divisor);
            ints.set(argMaxAt + 1, found < 0 ? -1 : found % divisor);
        }
    }

    static void sliceDecay(Launches l) {
        SliceNormSizes s = l.attributes(SliceNormSizes.class);
        Operand weight = l.in(0), scale = l.inOr(1, weight), argMax = l.in(2), scalars = l.in(3), trace = l.out(0), grad = l.out(1);
        int has = l.has(1) ? 1 : 0, taps = s.kh() * s.kw();
        int masks = l.table(masks(s));
        // A weight [io, ic] belongs to slice io, or to input channel io / (o / groups) * (c / groups) + ic.
        int outputsOfGroup = s.byOutput() ? 0 : s.o() / s.groups();
        l.tasks().forEach(l.name(), weight.elements(),
                (graph, id) -> graph.task(id, TornadoUpdates::sliceDecayKernel, l.context, l.floats(), l.ints(),
                        weight.at(), scale.at(), has, argMax.at(), scalars.at(),
                        l.tableAt() + masks, trace.at(), grad.at(), weight.elements(), s.groupInputs(), taps,
                        outputsOfGroup));
    }

    // trace *= momentum; trace[slice] = sign(weight[slice]) * scale; grad += beta * trace
    static void sliceDecayKernel(KernelContext context, FloatArray floats, IntArray ints, int weightAt, int scaleAt, int has, int argMaxAt,
            int scalarsAt, int masks, int traceAt, int gradAt, int n, int inputs, int taps, int outputsOfGroup) {
        int i = context.globalIdx;
        if (i < n) {
            int channel = ints.get(argMaxAt);
            int set = ints.get(argMaxAt + 1);
            int io = i / (inputs * taps);
            int own = io;
            if (outputsOfGroup > 0) {
                own = io / outputsOfGroup * inputs + i / taps % inputs;
            }
            float t = floats.get(traceAt + i) * floats.get(scalarsAt + 1);
            if (channel == own) {
                float w = floats.get(weightAt + i);
                float sign = w > 0f ? 1f : w < 0f ? -1f : w;
                float factor = 1f;
                if (has == 1) {
                    factor = floats.get(scaleAt + channel);
                }
                t = ints.get(masks + set * taps + i % taps) == 1 ? sign * factor : t;
            }
            floats.set(traceAt + i, t);
            floats.set(gradAt + i, floats.get(gradAt + i) + floats.get(scalarsAt) * t);
        }
    }

    /// Counts NaN and infinities in all that is held; one pass, because it lies together.
    static void countNonFinite(Launches l, Memory memory, int flag) {
        Operand counts = l.scratch(COUNTERS);
        l.tasks().groups("count", COUNTERS, TEAM,
                (graph, id) -> graph.task(id, TornadoUpdates::countKernel, l.context, l.floats(), counts.at(),
                        memory.floatStart(Memory.Region.HELD), memory.floatStaging(Memory.Region.HELD).getSize()));
        l.tasks().groups("count", 1, COUNTERS, (graph, id) -> graph.task(id, TornadoUpdates::addCounts, l.context, l.floats(), counts.at(),
                memory.at(flag)));
    }

    // counts[group] = 1 if a number of the group's share of x is not finite, else 0
    static void countKernel(KernelContext context, FloatArray floats, int countsAt, int xAt, int n) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx, group = context.groupIdx;
        double sum = 0.0;
        for (int i = group * TEAM + thread; i < n; i += TEAM * COUNTERS) {
            float zero = floats.get(xAt + i) * 0f;
            sum = zero == 0f ? sum : 1.0;
        }
        sums[thread] = sum;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(countsAt + group, (float) sums[0]);
        }
    }

    static void addCounts(KernelContext context, FloatArray floats, int countsAt, int flagAt) {
        float[] sums = context.allocateFloatLocalArray(COUNTERS);
        int thread = context.localIdx;
        sums[thread] = floats.get(countsAt + thread);
        for (int half = COUNTERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(flagAt, sums[0]);
        }
    }
}
