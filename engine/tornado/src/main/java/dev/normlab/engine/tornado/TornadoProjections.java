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
/// The thresholds of the taps are sums of one multiplier for each tap set, found by Newton's method on the dual, whose steps are halved
/// until it rises, as in [dev.normlab.engine.kernel.OverlappingSums]. Sums and counts of the taps, which one pass over the channel gives,
/// determine a step; one thread takes it. Where sets share no tap, a step is a division for each. Should steps end before the multipliers
/// are right, the weights are scaled into the norm all the same, but may not be the nearest ones.
final class TornadoProjections {

    /// Threads that work on one channel, and the most taps of a kernel.
    static final int TEAM = 128;

    /// The most tap sets that share taps: a kernel of 11 x 11 with padding of at most 5 has at most as many.
    static final int MOST_SHARING = 36;

    private static final int MATRIX = MOST_SHARING * (MOST_SHARING + 1);

    /// Passes over a channel. In a simulation 308 channels took at most 320 with radii of a hundredth of the norm and more; 400 channels
    /// that were made to be hard (up to 11 x 11 taps, 36 sets, radii down to 1e-6 of the norm, most weights zero or tiny) 77 in the mean
    /// and 2,173 at most.
    private static final int PASSES = 4000;

    private static final double LEAST_STEP = 0x1p-60;

    /// What is added to the diagonal of Newton's method, as a part of the largest count: sets that have lost the same taps are alike.
    private static final double DAMPING = 1e-6;

    /// Sums and multipliers that are off by no more than this part of all magnitudes of the channel are right.
    private static final double TOLERANCE = 1e-12;

    /// A channel that exceeds the radius by no more than this part of it is inside: sums differ with the order of their terms.
    private static final double EXCESS = 1e-13;

    private static final float LARGE = 0x1p100f;
    private static final double LARGEST = 0x1p220;

    private static final double LESS = 1.0 - 0x1p-24;
    private static final double SLACK = 1.0 - 0x1p-50;

    /// What is smaller becomes 0: the factor above does not reach the neighbour of a subnormal number.
    private static final double SMALLEST = 1e-37;

    // Places of the state of Newton's method.
    private static final int DUAL = 0;
    private static final int WORST = 1;
    private static final int STEP = 2;
    private static final int MORE = 3;
    private static final int TOTAL = 4;
    private static final int RAISED = 5;
    private static final int STATES = 6;

    private TornadoProjections() {}

    static void slices(Launches l) {
        SliceLimit limit = l.attributes(SliceLimit.class);
        SliceNormSizes s = limit.slices();
        Operand weight = l.out(0), variance = l.inOr(0, weight);
        int sets = s.tapSets().size(), taps = s.kh() * s.kw(), has = l.has(0) ? 1 : 0;
        if (sets == 0) {
            return;
        }
        List<Integer> masks = TornadoUpdates.masks(s);
        boolean sharing = IntStream.range(0, taps)
                .anyMatch(tap -> IntStream.range(0, sets).map(set -> masks.get(set * taps + tap)).sum() > 1);
        if (taps > TEAM || sets > TEAM || sharing && sets > MOST_SHARING) {
            throw new AcceleratorException(
                    "the projection of a kernel of " + taps + " taps in " + sets + " sets; on a GPU there are at most "
                            + TEAM + " taps, and " + MOST_SHARING + " sets that share some: train on the CPU");
        }
        TornadoUpdates.Filters f = TornadoUpdates.Filters.of(s);
        int table = l.table(masks);
        // The radius as two floats, of which the second one is rounded down, times a third where it is large. Beyond LARGEST no sum of
        // floats exceeds it, and no weight its product with the root of a variance.
        float times = limit.radius() > LARGE ? LARGE : 1f;
        double radius = Math.min(limit.radius(), LARGEST) / times;
        float high = (float) radius;
        float rest = (float) (radius - high);
        float low = rest > radius - high ? Math.nextDown(rest) : rest;
        l.tasks().groups(l.name(), s.channels(), TEAM, (graph, id) -> graph.task(id, TornadoProjections::slicesKernel, l.context,
                l.floats(), l.ints(), weight.at(), variance.at(), has, high, low, times, limit.eps(), taps, sets, l.tableAt() + table,
                s.filters(),
                f.channelsOfGroup(), f.groupStep(), f.channelStep(), f.filterStep(), sharing ? 1 : 0));
    }

    // Filter i of a channel begins at tap 0 of `channel / channelsOfGroup * groupStep + channel % channelsOfGroup * channelStep + i *
    // filterStep`; masks [sets, taps]. Thread t works on tap t % taps of every (TEAM / taps)th filter.
    static void slicesKernel(KernelContext context, FloatArray floats, IntArray ints, int weightAt, int varAt, int has, float radius,
            float radiusRest, float times, float eps, int taps, int sets, int masksAt, int filters, int channelsOfGroup, int groupStep,
            int channelStep,
            int filterStep, int sharing) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        double[] counts = context.allocateDoubleLocalArray(TEAM);
        double[] duals = context.allocateDoubleLocalArray(TEAM);
        double[] tapSums = context.allocateDoubleLocalArray(TEAM);
        double[] tapCounts = context.allocateDoubleLocalArray(TEAM);
        double[] tapDuals = context.allocateDoubleLocalArray(TEAM);
        double[] multipliers = context.allocateDoubleLocalArray(TEAM);
        double[] tried = context.allocateDoubleLocalArray(TEAM);
        double[] gradient = context.allocateDoubleLocalArray(TEAM);
        double[] direction = context.allocateDoubleLocalArray(TEAM);
        double[] matrix = context.allocateDoubleLocalArray(MATRIX);
        double[] state = context.allocateDoubleLocalArray(STATES);
        int thread = context.localIdx;
        int channel = context.groupIdx;
        int tap = thread % taps;
        int rows = TEAM / taps;
        int row = thread / taps;
        int firstFilter = row < rows ? row : filters;
        int start = weightAt + (channel / channelsOfGroup * groupStep + channel % channelsOfGroup * channelStep) * taps + tap;
        int next = filterStep * taps;
        double r = ((double) radius + (double) radiusRest) * times;
        if (has == 1) {
            r = r * TornadoMath.sqrt((double) floats.get(varAt + channel) + (double) eps);
        }
        // A channel with a weight that is not finite stays as it is.
        double notFinite = 0.0;
        for (int i = firstFilter; i < filters; i += rows) {
            float zero = floats.get(start + i * next) * 0f;
            notFinite = zero == 0f ? notFinite : 1.0;
        }
        sums[thread] = notFinite;
        for (int i = thread; i < sets; i += TEAM) {
            multipliers[i] = 0.0;
            tried[i] = 0.0;
        }
        if (thread == 0) {
            state[DUAL] = 0.0;
            state[WORST] = 0.0;
            state[STEP] = 1.0;
            state[TOTAL] = 0.0;
            state[RAISED] = 0.0;
        }
        context.localBarrier();
        double broken = 0.0;
        for (int i = 0; i < TEAM; i++) {
            broken = broken + sums[i];
        }
        context.localBarrier();
        // A pass takes sums, counts and the dual of every tap at the multipliers that are tried.
        int passes = 1;
        for (int pass = 0; pass < passes; pass++) {
            double threshold = 0.0;
            for (int set = 0; set < sets; set++) {
                threshold = threshold + (double) ints.get(masksAt + set * taps + tap) * tried[set];
            }
            double sum = 0.0;
            double count = 0.0;
            double dual = 0.0;
            for (int i = firstFilter; i < filters; i += rows) {
                float w = floats.get(start + i * next);
                double size = w < 0f ? -w : w;
                double left = size - threshold;
                sum = left > 0.0 ? sum + left : sum;
                count = left > 0.0 ? count + 1.0 : count;
                dual = left > 0.0 ? dual + threshold * (0.5 * threshold + left) : dual + 0.5 * size * size;
            }
            sums[thread] = sum;
            counts[thread] = count;
            duals[thread] = dual;
            context.localBarrier();
            if (thread < taps) {
                double tapSum = 0.0;
                double tapCount = 0.0;
                double tapDual = 0.0;
                for (int i = 0; i < rows; i++) {
                    tapSum = tapSum + sums[thread + i * taps];
                    tapCount = tapCount + counts[thread + i * taps];
                    tapDual = tapDual + duals[thread + i * taps];
                }
                tapSums[thread] = tapSum;
                tapCounts[thread] = tapCount;
                tapDuals[thread] = tapDual;
            }
            context.localBarrier();
            // One thread accepts what was tried if the dual has risen, and takes the next step, or halves the last one.
            if (thread == 0) {
                double value = 0.0;
                double total = 0.0;
                double largest = 0.0;
                for (int i = 0; i < taps; i++) {
                    value = value + tapDuals[i];
                    total = total + tapSums[i];
                    largest = tapCounts[i] > largest ? tapCounts[i] : largest;
                }
                state[TOTAL] = pass == 0 ? total : state[TOTAL];
                double worst = 0.0;
                for (int set = 0; set < sets; set++) {
                    double excess = -r;
                    for (int i = 0; i < taps; i++) {
                        excess = excess + (double) ints.get(masksAt + set * taps + i) * tapSums[i];
                    }
                    value = value - tried[set] * r;
                    double off = tried[set] < -excess ? tried[set] : excess;
                    off = off < 0.0 ? -off : off;
                    worst = off > worst ? off : worst;
                }
                double allowed = TOLERANCE * state[TOTAL];
                int accepted = value > state[DUAL] ? 1 : 0;
                accepted = worst > allowed ? accepted : 1;
                accepted = pass == 0 ? 1 : accepted;
                if (accepted == 1) {
                    state[DUAL] = value;
                    state[WORST] = worst;
                    state[STEP] = 1.0;
                    double raised = 0.0;
                    for (int set = 0; set < sets; set++) {
                        multipliers[set] = tried[set];
                        raised = tried[set] > raised ? tried[set] : raised;
                        double excess = -r;
                        double support = 0.0;
                        for (int i = 0; i < taps; i++) {
                            double belongs = (double) ints.get(masksAt + set * taps + i);
                            excess = excess + belongs * tapSums[i];
                            support = support + belongs * tapCounts[i];
                        }
                        double free = excess > 0.0 ? 1.0 : tried[set] > 0.0 ? 1.0 : 0.0;
                        gradient[set] = free * excess;
                        direction[set] = support > 0.0 ? free * excess / support : 0.0;
                        counts[set] = free; // those of the threads are added up
                    }
                    state[RAISED] = raised;
                    // Sets that share taps: (A diag(counts) A' + damping) direction = gradient, for the free multipliers.
                    if (sharing == 1) {
                        int width = sets + 1;
                        for (int i = 0; i < sets; i++) {
                            for (int k = 0; k < sets; k++) {
                                double common = 0.0;
                                for (int j = 0; j < taps; j++) {
                                    common = common + (double) (ints.get(masksAt + i * taps + j) * ints.get(masksAt + k * taps + j))
                                            * tapCounts[j];
                                }
                                double diagonal = counts[i] > 0.0 ? DAMPING * (1.0 + largest) : 1.0;
                                double more = i == k ? diagonal : 0.0;
                                matrix[i * width + k] = counts[i] * counts[k] * common + more;
                            }
                            matrix[i * width + sets] = gradient[i];
                        }
                        for (int column = 0; column < sets; column++) {
                            for (int i = column + 1; i < sets; i++) {
                                double factor = matrix[i * width + column] / matrix[column * width + column];
                                for (int k = column; k < width; k++) {
                                    matrix[i * width + k] = matrix[i * width + k] - factor * matrix[column * width + k];
                                }
                            }
                        }
                        for (int back = 0; back < sets; back++) {
                            int i = sets - 1 - back;
                            double solved = matrix[i * width + sets];
                            for (int k = i + 1; k < sets; k++) {
                                solved = solved - matrix[i * width + k] * direction[k];
                            }
                            direction[i] = solved / matrix[i * width + i];
                        }
                    }
                } else {
                    state[STEP] = 0.5 * state[STEP];
                }
                for (int set = 0; set < sets; set++) {
                    double moved = multipliers[set] + state[STEP] * direction[set];
                    tried[set] = moved > 0.0 ? moved : 0.0;
                }
                double more = state[WORST] > allowed ? 1.0 : 0.0;
                more = state[STEP] < LEAST_STEP ? 0.0 : more;
                state[MORE] = broken > 0.0 ? 0.0 : more;
            }
            context.localBarrier();
            int again = pass + 1 < PASSES ? pass + 2 : passes;
            passes = state[MORE] > 0.0 ? again : passes;
        }
        // Weights shrink by the thresholds of their taps, rounded towards zero.
        double raised = state[RAISED];
        double threshold = 0.0;
        for (int set = 0; set < sets; set++) {
            threshold = threshold + (double) ints.get(masksAt + set * taps + tap) * multipliers[set];
        }
        for (int i = firstFilter; i < filters; i += rows) {
            int at = start + i * next;
            float w = floats.get(at);
            double size = w < 0f ? -w : w;
            double value = size - threshold;
            float rounded = (float) value;
            float nearer = (float) ((double) rounded * LESS);
            float inside = (double) rounded > value ? nearer : rounded;
            inside = value > SMALLEST ? inside : 0f;
            float signed = w < 0f ? -inside : w > 0f ? inside : w;
            floats.set(at, threshold > 0.0 ? signed : w);
        }
        // What exceeds the radius all the same is scaled.
        for (int set = 0; set < sets; set++) {
            double belongs = (double) ints.get(masksAt + set * taps + tap);
            double sum = 0.0;
            for (int i = firstFilter; i < filters; i += rows) {
                float w = floats.get(start + i * next);
                double size = w < 0f ? -w : w;
                sum = sum + belongs * size;
            }
            context.localBarrier();
            sums[thread] = sum;
            context.localBarrier();
            double whole = 0.0;
            for (int i = 0; i < TEAM; i++) {
                whole = whole + sums[i];
            }
            double most = raised > 0.0 ? r : r * (1.0 + EXCESS);
            double factor = whole > most ? r / whole * SLACK : 1.0;
            factor = broken > 0.0 ? 1.0 : factor;
            for (int i = firstFilter; i < filters; i += rows) {
                int at = start + i * next;
                float w = floats.get(at);
                double value = (w < 0f ? -w : w) * factor;
                float rounded = (float) value;
                float nearer = (float) ((double) rounded * LESS);
                float inside = (double) rounded > value ? nearer : rounded;
                inside = value > SMALLEST ? inside : 0f;
                float signed = w < 0f ? -inside : w > 0f ? inside : w;
                float scaled = factor < 1.0 ? signed : w;
                floats.set(at, belongs > 0.0 ? scaled : w);
            }
        }
    }
}
