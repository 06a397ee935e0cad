package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Steps of attacks, in place.
///
/// Those of Auto-PGD compute in double precision and round towards the clean image, as [dev.normlab.engine.kernel.BallProjection] does: a
/// float that is off by too much becomes its neighbour, which is the float nearest to its product with [#LESS] (towards zero, for all but
/// subnormal numbers) or [#MORE] (away from zero).
final class TornadoAttackSteps {

    /// Threads that work on one image.
    static final int TEAM = 128;

    private static final double LESS = 1.0 - 0x1p-24;
    private static final double MORE = 1.0 + 0x1.8p-24;

    /// Bisections for the smallest gradient entry that moves, of exponents: from below the smallest float to infinity, which counts as
    /// 1e39, until the last interval is a part of `2^-35` of its place and shorter than the distance of neighbouring floats.
    private static final int RANK_BISECTIONS = 44;

    /// Bisections for the projection to the l1 ball, as on the CPU.
    private static final int BISECTIONS = 60;

    private TornadoAttackSteps() {}

    static void signStep(Launches l) {
        Operand gradient = l.in(0), clean = l.in(1), stepSize = l.in(2), eps = l.in(3), point = l.out(0);
        l.tasks().forEach(l.name(), point.elements(),
                (graph, id) -> graph.task(id, TornadoAttackSteps::signStepKernel, l.context, l.floats(),
                        gradient.at(), clean.at(), stepSize.at(), eps.at(),
                        point.at(), point.elements()));
    }

    // point += stepSize * sign(gradient), then into [clean - eps, clean + eps], then into [0, 1]; NaN stays NaN
    static void signStepKernel(KernelContext context, FloatArray floats, int gradientAt, int cleanAt, int stepSizeAt, int epsAt,
            int pointAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            float g = floats.get(gradientAt + i);
            float step = floats.get(stepSizeAt);
            float radius = floats.get(epsAt);
            float c = floats.get(cleanAt + i);
            float sign = g > 0f ? 1f : g < 0f ? -1f : g;
            float moved = floats.get(pointAt + i) + sign * step;
            float high = c + radius;
            float low = c - radius;
            float below = moved > high ? high : high != high ? high : moved;
            float inBall = below < low ? low : low != low ? low : below;
            float above = inBall < 0f ? 0f : inBall;
            floats.set(pointAt + i, above > 1f ? 1f : above);
        }
    }

    static void unitStep(Launches l) {
        Operand gradient = l.in(0), clean = l.in(1), stepSize = l.in(2), eps = l.in(3), point = l.out(0);
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.elements() / n;
        l.tasks().groups(l.name(), n, TEAM, (graph, id) -> graph.task(id, TornadoAttackSteps::unitStepKernel, l.context, l.floats(),
                gradient.at(), clean.at(), stepSize.at(), eps.at(), point.at(), each));
    }

    // point += stepSize * gradient / |gradient|, then the distance from clean shortened to eps, then into [0, 1]; one group an image
    static void unitStepKernel(KernelContext context, FloatArray floats, int gradientAt, int cleanAt, int stepSizeAt, int epsAt,
            int pointAt, int each) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx;
        int start = context.groupIdx * each;
        double squares = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            double g = floats.get(gradientAt + start + i);
            squares = squares + g * g;
        }
        sums[thread] = squares;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        float length = (float) TornadoMath.sqrt(sums[0]);
        length = length < 1e-12f ? 1e-12f : length;
        float step = floats.get(stepSizeAt);
        context.localBarrier();
        squares = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            float moved = floats.get(pointAt + at) + floats.get(gradientAt + at) / length * step - floats.get(cleanAt + at);
            floats.set(pointAt + at, moved);
            squares = squares + (double) moved * moved;
        }
        sums[thread] = squares;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        float distance = (float) TornadoMath.sqrt(sums[0]);
        distance = distance < 1e-12f ? 1e-12f : distance;
        float ratio = floats.get(epsAt) / distance;
        float positive = ratio < 0f ? 0f : ratio;
        float factor = positive > 1f ? 1f : positive;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            float moved = floats.get(cleanAt + at) + floats.get(pointAt + at) * factor;
            float above = moved < 0f ? 0f : moved;
            floats.set(pointAt + at, above > 1f ? 1f : above);
        }
    }

    static void momentumStep(Launches l) {
        Operand gradient = l.in(0), clean = l.in(1), stepSize = l.in(2), eps = l.in(3), share = l.in(4);
        Operand point = l.out(0), previous = l.out(1);
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.elements() / n;
        if (l.attributes(StepDirection.class) == StepDirection.SIGN) {
            l.tasks().forEach(l.name(), point.elements(), (graph, id) -> graph.task(id, TornadoAttackSteps::momentumSignKernel, l.context,
                    l.floats(), gradient.at(), clean.at(), stepSize.at(), eps.at(), share.at(), point.at(), previous.at(), point.elements(),
                    each));
            return;
        }
        Operand ahead = l.scratch(Math.max(1, point.elements()));
        l.tasks().groups(l.name(), n, TEAM, (graph, id) -> graph.task(id, TornadoAttackSteps::momentumUnitKernel, l.context, l.floats(),
                gradient.at(), clean.at(), stepSize.at(), eps.at(), share.at(), point.at(), previous.at(), ahead.at(), each));
    }

    // ahead = P(point + stepSize sign(gradient)), point = P(point + share (ahead - point) + (1 - share)(point - previous))
    static void momentumSignKernel(KernelContext context, FloatArray floats, int gradientAt, int cleanAt, int stepSizeAt, int epsAt,
            int shareAt, int pointAt, int previousAt, int n, int each) {
        int i = context.globalIdx;
        if (i < n) {
            float step = floats.get(stepSizeAt + i / each);
            double radius = floats.get(epsAt);
            double share = floats.get(shareAt);
            double c = floats.get(cleanAt + i);
            float g = floats.get(gradientAt + i);
            float x = floats.get(pointAt + i);
            float p = floats.get(previousAt + i);
            double sign = g > 0f ? 1.0 : g < 0f ? -1.0 : 0.0;
            float far = (float) (x + step * sign);
            for (int turn = 0; turn < 2; turn++) {
                double delta = (double) far - c;
                delta = delta > radius ? radius : delta < -radius ? -radius : delta;
                float value = (float) (c + delta);
                double off = value - c;
                double size = off < 0.0 ? -off : off;
                double allowed = delta < 0.0 ? -delta : delta;
                double factor = off > 0.0 ? LESS : value < 0f ? LESS : MORE;
                float nearer = (float) (value * factor);
                value = size > allowed ? nearer : value;
                value = value < 0f ? 0f : value > 1f ? 1f : value;
                double next = x + share * ((double) value - x) + (1.0 - share) * ((double) x - p);
                far = turn == 0 ? (float) next : value;
            }
            floats.set(pointAt + i, step == 0f ? x : far);
            floats.set(previousAt + i, step == 0f ? p : x);
        }
    }

    // the same along the unit vector of the gradient; one group an image
    static void momentumUnitKernel(KernelContext context, FloatArray floats, int gradientAt, int cleanAt, int stepSizeAt, int epsAt,
            int shareAt, int pointAt, int previousAt, int aheadAt, int each) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx;
        int start = context.groupIdx * each;
        float step = floats.get(stepSizeAt + context.groupIdx);
        double radius = floats.get(epsAt);
        double share = floats.get(shareAt);
        double squares = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            float entry = floats.get(gradientAt + start + i);
            entry = entry > Float.MAX_VALUE ? Float.MAX_VALUE : entry < -Float.MAX_VALUE ? -Float.MAX_VALUE : entry;
            double g = entry == entry ? entry : 0f;
            squares = squares + g * g;
        }
        sums[thread] = squares;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double length = TornadoMath.sqrt(sums[0]);
        length = length < 1e-12 ? 1e-12 : length;
        double unit = step / length;
        context.localBarrier();
        squares = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            float entry = floats.get(gradientAt + at);
            entry = entry > Float.MAX_VALUE ? Float.MAX_VALUE : entry < -Float.MAX_VALUE ? -Float.MAX_VALUE : entry;
            double g = entry == entry ? entry : 0f;
            float far = (float) (floats.get(pointAt + at) + unit * g);
            floats.set(aheadAt + at, far);
            double delta = (double) far - floats.get(cleanAt + at);
            squares = squares + delta * delta;
        }
        sums[thread] = squares;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double distance = TornadoMath.sqrt(sums[0]);
        double shorter = distance > radius ? radius / distance : 1.0;
        context.localBarrier();
        squares = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            double c = floats.get(cleanAt + at);
            float x = floats.get(pointAt + at);
            float p = floats.get(previousAt + at);
            double delta = shorter * (floats.get(aheadAt + at) - c);
            float value = (float) (c + delta);
            double off = value - c;
            double size = off < 0.0 ? -off : off;
            double allowed = delta < 0.0 ? -delta : delta;
            double factor = off > 0.0 ? LESS : value < 0f ? LESS : MORE;
            float nearer = (float) (value * factor);
            value = size > allowed ? nearer : value;
            value = value < 0f ? 0f : value > 1f ? 1f : value;
            float next = (float) (x + share * ((double) value - x) + (1.0 - share) * ((double) x - p));
            floats.set(aheadAt + at, next);
            double left = next - c;
            squares = squares + left * left;
        }
        sums[thread] = squares;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        distance = TornadoMath.sqrt(sums[0]);
        shorter = distance > radius ? radius / distance : 1.0;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            double c = floats.get(cleanAt + at);
            float x = floats.get(pointAt + at);
            float p = floats.get(previousAt + at);
            double delta = shorter * (floats.get(aheadAt + at) - c);
            float value = (float) (c + delta);
            double off = value - c;
            double size = off < 0.0 ? -off : off;
            double allowed = delta < 0.0 ? -delta : delta;
            double factor = off > 0.0 ? LESS : value < 0f ? LESS : MORE;
            float nearer = (float) (value * factor);
            value = size > allowed ? nearer : value;
            value = value < 0f ? 0f : value > 1f ? 1f : value;
            floats.set(pointAt + at, step == 0f ? x : value);
            floats.set(previousAt + at, step == 0f ? p : x);
        }
    }

    static void sparseStep(Launches l) {
        Operand gradient = l.in(0), clean = l.in(1), rank = l.in(2), stepSize = l.in(3), eps = l.in(4), point = l.out(0);
        int n = point.shape().size(0);
        int each = n == 0 ? 0 : point.elements() / n;
        Operand ahead = l.scratch(Math.max(1, point.elements()));
        int turns = l.table(List.of(RANK_BISECTIONS, BISECTIONS));
        l.tasks().groups(l.name(), n, TEAM, (graph, id) -> graph.task(id, TornadoAttackSteps::sparseKernel, l.context, l.floats(), l.ints(),
                gradient.at(), clean.at(), rank.at(), stepSize.at(), eps.at(), point.at(), ahead.at(), each, l.tableAt() + turns));
    }

    // The largest entries of the gradient move along their signs, then the image goes to the l1 ball and the box; one group an image.
    // Both thresholds, of the entries and of the projection, are found by bisection.
    static void sparseKernel(KernelContext context, FloatArray floats, IntArray ints, int gradientAt, int cleanAt, int rankAt,
            int stepSizeAt, int epsAt, int pointAt, int aheadAt, int each, int turnsAt) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx;
        int start = context.groupIdx * each;
        double needed = ints.get(rankAt + context.groupIdx) + 1;
        float step = floats.get(stepSizeAt + context.groupIdx);
        double radius = floats.get(epsAt);
        double largest = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            float g = floats.get(gradientAt + start + i);
            double size = g < 0f ? -g : g > 0f ? g : 0f;
            size = size > 1e39 ? 1e39 : size;
            largest = size > largest ? size : largest;
        }
        sums[thread] = largest;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                double mine = sums[thread];
                double other = sums[thread + half];
                sums[thread] = other > mine ? other : mine;
            }
        }
        context.localBarrier();
        double high = sums[0];
        double low = 1e-46;
        int turns = ints.get(turnsAt);
        for (int turn = 0; turn < turns + 1; turn++) {
            double middle = turn < turns ? TornadoMath.sqrt(low * high) : 0.0; // at last, how many are zeros
            double count = 0.0;
            for (int i = thread; i < each; i += TEAM) {
                float g = floats.get(gradientAt + start + i);
                double size = g < 0f ? -g : g > 0f ? g : 0f;
                size = size > 1e39 ? 1e39 : size;
                count = size > middle ? count : count + 1.0;
            }
            context.localBarrier();
            sums[thread] = count;
            for (int half = TEAM / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (thread < half) {
                    sums[thread] = sums[thread] + sums[thread + half];
                }
            }
            context.localBarrier();
            double below = sums[0];
            high = below < needed ? high : middle;
            low = below < needed ? (turn < turns ? middle : low) : turn < turns ? low : 0.0;
        }
        double chosen = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            float g = floats.get(gradientAt + start + i);
            float size = g < 0f ? -g : g > 0f ? g : 0f;
            double counts = size > low ? 1.0 : 0.0;
            chosen = size > 0f ? chosen + counts : chosen;
        }
        context.localBarrier();
        sums[thread] = chosen;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double all = sums[0];
        double stride = all > 0.0 ? step / all : 0.0;
        double longest = 0.0;
        double inside = 0.0;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            float g = floats.get(gradientAt + at);
            float size = g < 0f ? -g : g > 0f ? g : 0f;
            double sign = g > 0f ? 1.0 : g < 0f ? -1.0 : 0.0;
            float x = floats.get(pointAt + at);
            float moved = (float) (x + stride * sign);
            moved = size > low ? moved : x;
            floats.set(aheadAt + at, moved);
            double c = floats.get(cleanAt + at);
            double delta = moved - c;
            double room = delta > 0.0 ? 1.0 - c : c;
            double length = delta < 0.0 ? -delta : delta;
            longest = length > longest ? length : longest;
            inside = inside + (length < room ? length : room);
        }
        context.localBarrier();
        sums[thread] = longest;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                double mine = sums[thread];
                double other = sums[thread + half];
                sums[thread] = other > mine ? other : mine;
            }
        }
        context.localBarrier();
        low = 0.0;
        high = sums[0];
        context.localBarrier();
        sums[thread] = inside;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double outside = sums[0] > radius ? 1.0 : 0.0;
        turns = ints.get(turnsAt + 1);
        for (int turn = 0; turn < turns; turn++) {
            double middle = (low + high) / 2.0;
            double sum = 0.0;
            for (int i = thread; i < each; i += TEAM) {
                double c = floats.get(cleanAt + start + i);
                double delta = floats.get(aheadAt + start + i) - c;
                double room = delta > 0.0 ? 1.0 - c : c;
                double left = (delta < 0.0 ? -delta : delta) - middle;
                left = left < 0.0 ? 0.0 : left;
                sum = sum + (left < room ? left : room);
            }
            context.localBarrier();
            sums[thread] = sum;
            for (int half = TEAM / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (thread < half) {
                    sums[thread] = sums[thread] + sums[thread + half];
                }
            }
            context.localBarrier();
            double total = sums[0];
            low = total > radius ? middle : low;
            high = total > radius ? high : middle;
        }
        double shrink = outside * high;
        for (int i = thread; i < each; i += TEAM) {
            int at = start + i;
            double c = floats.get(cleanAt + at);
            double delta = floats.get(aheadAt + at) - c;
            double left = (delta < 0.0 ? -delta : delta) - shrink;
            left = left < 0.0 ? 0.0 : left;
            double signed = delta < 0.0 ? -left : left;
            float value = (float) (c + signed);
            double off = value - c;
            double size = off < 0.0 ? -off : off;
            double factor = off > 0.0 ? LESS : value < 0f ? LESS : MORE;
            float nearer = (float) (value * factor);
            value = size > left ? nearer : value;
            value = value < 0f ? 0f : value > 1f ? 1f : value;
            floats.set(pointAt + at, step == 0f ? floats.get(pointAt + at) : value);
        }
    }
}
