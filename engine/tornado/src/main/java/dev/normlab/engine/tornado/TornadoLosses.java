package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Classification losses with PyTorch's conventions, one thread a row; a group of threads adds the rows up in double precision and a fixed
/// order.
final class TornadoLosses {

    /// Threads of a group that adds up.
    private static final int TEAM = TornadoUpdates.TEAM;

    private TornadoLosses() {}

    static void crossEntropy(Launches l) {
        rows(l, 1);
    }

    static void nll(Launches l) {
        rows(l, 0);
    }

    private static void rows(Launches l, int logits) {
        CrossEntropySizes s = l.attributes(CrossEntropySizes.class);
        Operand z = l.in(0), labels = l.in(1), weight = l.inOr(2, z), loss = l.out(0);
        int has = l.has(2) ? 1 : 0, classes = l.table(List.of(s.k()));
        Operand losses = l.scratch(2 * s.n());
        l.tasks().forEach(l.name(), s.n(),
                (graph, id) -> graph.task(id, TornadoLosses::rowKernel, l.context, l.floats(), l.ints(), z.at(), labels.at(), weight.at(),
                        has, losses.at(), s.n(), l.tableAt() + classes, s.smoothing(), s.ignoreIndex(),
                        logits));
        if (s.reduction() == Reduction.NONE) {
            l.tasks().forEach(l.name(), s.n(),
                    (graph, id) -> graph.task(id, TornadoLosses::singleKernel, l.context, l.floats(), losses.at(), loss.at(), s.n()));
            return;
        }
        int mean = s.reduction() == Reduction.MEAN ? 1 : 0;
        l.tasks().groups(l.name(), 1, TEAM,
                (graph, id) -> graph.task(id, TornadoLosses::sumKernel, l.context, l.floats(), l.ints(), losses.at(), labels.at(),
                        weight.at(), has, loss.at(), s.n(), s.ignoreIndex(), mean));
    }

    // losses[in] as the sum of two floats. With -log p_j = logsumexp(z) - z_j (or -z_j of log-probabilities):
    // (1 - smoothing) * w_label * -log p_label + smoothing / k * sum over j of w_j * -log p_j
    static void rowKernel(KernelContext context, FloatArray floats, IntArray ints, int zAt, int labelsAt, int weightAt, int has,
            int lossesAt, int n, int kAt, float smoothing, int ignoreIndex, int logits) {
        int in = context.globalIdx;
        if (in < n) {
            int k = ints.get(kAt); // not a constant: loops that are unrolled whole do not compile here
            int label = ints.get(labelsAt + in);
            int row = zAt + in * k;
            double loss = 0.0;
            if (label != ignoreIndex) {
                double largest = Float.NEGATIVE_INFINITY;
                double sum = 0.0;
                for (int j = 0; j < k; j++) {
                    float value = floats.get(row + j);
                    int above = value > largest ? 1 : 0;
                    int isNaN = value != value ? 1 : 0;
                    largest = above + isNaN > 0 ? value : largest;
                }
                for (int j = 0; j < k; j++) {
                    sum = sum + TornadoMath.exp(floats.get(row + j) - largest);
                }
                double logSum = logits == 1 ? largest + TornadoMath.log(sum) : 0.0;
                double labelWeight = 1.0;
                if (has == 1) {
                    labelWeight = floats.get(weightAt + label);
                }
                loss = labelWeight * (logSum - floats.get(row + label));
                double smooth = 0.0;
                if (smoothing != 0f) {
                    for (int j = 0; j < k; j++) {
                        double classWeight = 1.0;
                        if (has == 1) {
                            classWeight = floats.get(weightAt + j);
                        }
                        smooth = smooth + classWeight * (logSum - floats.get(row + j));
                    }
                    loss = (1.0 - smoothing) * loss + (double) smoothing / k * smooth;
                }
            }
            float high = (float) loss;
            floats.set(lossesAt + 2 * in, high);
            double low = loss - high;
            floats.set(lossesAt + 2 * in + 1, low == low ? (float) low : 0f);
        }
    }

    // loss[in]
    static void singleKernel(KernelContext context, FloatArray floats, int lossesAt, int lossAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(lossAt + i, (float) ((double) floats.get(lossesAt + 2 * i) + floats.get(lossesAt + 2 * i + 1)));
        }
    }

    // The sum of the losses, for a mean divided by the sum of the class weights of the counted labels.
    static void sumKernel(KernelContext context, FloatArray floats, IntArray ints, int lossesAt, int labelsAt, int weightAt, int has,
            int lossAt, int n, int ignoreIndex, int mean) {
        double[] sums = context.allocateDoubleLocalArray(TEAM);
        double[] counts = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx;
        double sum = 0.0;
        double counted = 0.0;
        for (int in = thread; in < n; in += TEAM) {
            sum = sum + ((double) floats.get(lossesAt + 2 * in) + floats.get(lossesAt + 2 * in + 1));
            int label = ints.get(labelsAt + in);
            double added = 0.0;
            if (label != ignoreIndex) {
                added = 1.0;
                if (has == 1) {
                    added = floats.get(weightAt + label);
                }
            }
            counted = counted + added;
        }
        sums[thread] = sum;
        counts[thread] = counted;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
                counts[thread] = counts[thread] + counts[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(lossAt, (float) (mean == 1 ? sums[0] / counts[0] : sums[0]));
        }
    }

    static void crossEntropyBackward(Launches l) {
        CrossEntropySizes s = l.attributes(CrossEntropySizes.class);
        Operand z = l.in(0), labels = l.in(1), weight = l.inOr(2, z), dLoss = l.in(3), dz = l.out(0);
        int has = l.has(2) ? 1 : 0, classes = l.table(List.of(s.k()));
        int reduction = s.reduction().ordinal();
        Operand divisor = divisor(l, s, labels, weight, has);
        l.tasks().forEach(l.name(), s.n(),
                (graph, id) -> graph.task(id, TornadoLosses::crossEntropyGradient, l.context, l.floats(), l.ints(), z.at(),
                        labels.at(), weight.at(), has, dLoss.at(), divisor.at(),
                        dz.at(), s.n(), l.tableAt() + classes, s.smoothing(), s.ignoreIndex(), reduction));
    }

    static void nllBackward(Launches l) {
        CrossEntropySizes s = l.attributes(CrossEntropySizes.class);
        Operand labels = l.in(0), dLoss = l.in(2), weight = l.inOr(1, dLoss), dz = l.out(0);
        int has = l.has(1) ? 1 : 0;
        int reduction = s.reduction().ordinal();
        Operand divisor = divisor(l, s, labels, weight, has);
        l.tasks().forEach(l.name(), dz.elements(),
                (graph, id) -> graph.task(id, TornadoLosses::nllGradient, l.context, l.floats(), l.ints(), labels.at(), weight.at(), has,
                        dLoss.at(), divisor.at(), dz.at(), dz.elements(), s.k(), s.ignoreIndex(), reduction));
    }

    private static Operand divisor(Launches l, CrossEntropySizes s, Operand labels, Operand weight, int has) {
        Operand divisor = l.scratch(2);
        int mean = s.reduction() == Reduction.MEAN ? 1 : 0;
        l.tasks().groups(l.name(), 1, TEAM,
                (graph, id) -> graph.task(id, TornadoLosses::divisorKernel, l.context, l.floats(), l.ints(), labels.at(),
                        weight.at(), has, divisor.at(), s.n(), s.ignoreIndex(), mean));
        return divisor;
    }

    // What the sum of the losses is divided by, as the sum of two floats: for a mean the class weights of all counted labels, else 1
    static void divisorKernel(KernelContext context, FloatArray floats, IntArray ints, int labelsAt, int weightAt, int has, int yAt, int n,
            int ignoreIndex, int mean) {
        double[] counts = context.allocateDoubleLocalArray(TEAM);
        int thread = context.localIdx;
        double counted = 0.0;
        for (int in = thread; in < n; in += TEAM) {
            int label = ints.get(labelsAt + in);
            double added = 0.0;
            if (label != ignoreIndex) {
                added = 1.0;
                if (has == 1) {
                    added = floats.get(weightAt + label);
                }
            }
            counted = counted + added;
        }
        counts[thread] = counted;
        for (int half = TEAM / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                counts[thread] = counts[thread] + counts[thread + half];
            }
        }
        if (thread == 0) {
            double divisor = mean == 1 ? counts[0] : 1.0;
            float high = (float) divisor;
            float low = (float) (divisor - high);
            floats.set(yAt, high);
            floats.set(yAt + 1, low == low ? low : 0f); // of an infinite one nothing is left
        }
    }

    // With p = softmax(z) and W the sum of all class weights, per unit of the row's loss:
    // dz_j = (1 - smoothing) * w_label * (p_j - [j = label]) + smoothing / k * (W * p_j - w_j)
    static void crossEntropyGradient(KernelContext context, FloatArray floats, IntArray ints, int zAt, int labelsAt, int weightAt, int has,
            int dLossAt, int divisorAt, int dzAt, int n, int kAt, float smoothing, int ignoreIndex, int reduction) {
        int in = context.globalIdx;
        if (in < n) {
            int k = ints.get(kAt); // not a constant: loops that are unrolled whole do not compile here
            int label = ints.get(labelsAt + in);
            int row = zAt + in * k;
            int counted = label != ignoreIndex ? 1 : 0;
            int known = counted == 1 ? label : 0;
            double total = k;
            double labelWeight = 1.0;
            if (has == 1) {
                total = 0.0;
                for (int j = 0; j < k; j++) {
                    total = total + floats.get(weightAt + j);
                }
                labelWeight = floats.get(weightAt + known);
            }
            double share = (double) smoothing / k;
            double hard = (1.0 - smoothing) * labelWeight;
            double upstream = floats.get(dLossAt + (reduction == 2 ? in : 0));
            upstream = upstream / ((double) floats.get(divisorAt) + floats.get(divisorAt + 1));
            double largest = Float.NEGATIVE_INFINITY;
            double sum = 0.0;
            for (int j = 0; j < k; j++) {
                float value = floats.get(row + j);
                int above = value > largest ? 1 : 0;
                int isNaN = value != value ? 1 : 0;
                largest = above + isNaN > 0 ? value : largest;
            }
            for (int j = 0; j < k; j++) {
                sum = sum + TornadoMath.exp(floats.get(row + j) - largest);
            }
            double logSum = largest + TornadoMath.log(sum);
            for (int j = 0; j < k; j++) {
                double p = TornadoMath.exp(floats.get(row + j) - logSum);
                double classWeight = 1.0;
                if (has == 1) {
                    classWeight = floats.get(weightAt + j);
                }
                double gradient = (hard + share * total) * p - share * classWeight - (j == known ? hard : 0.0);
                floats.set(dzAt + in * k + j, counted == 1 ? (float) (upstream * gradient) : 0f);
            }
        }
    }

    // dz[in, label] = -w_label * upstream, 0 elsewhere
    static void nllGradient(KernelContext context, FloatArray floats, IntArray ints, int labelsAt, int weightAt, int has, int dLossAt,
            int divisorAt, int dzAt, int n, int k, int ignoreIndex, int reduction) {
        int i = context.globalIdx;
        if (i < n) {
            int in = i / k;
            int j = i % k;
            int label = ints.get(labelsAt + in);
            double classWeight = 1.0;
            if (has == 1) {
                classWeight = floats.get(weightAt + j);
            }
            double upstream = floats.get(dLossAt + (reduction == 2 ? in : 0));
            double gradient = -classWeight * upstream / ((double) floats.get(divisorAt) + floats.get(divisorAt + 1));
            int own = label == j ? 1 : 0;
            int counted = label != ignoreIndex ? 1 : 0;
            int chosen = own * counted;
            floats.set(dzAt + i, chosen == 1 ? (float) gradient : 0f);
        }
    }
}
