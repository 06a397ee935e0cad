package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.LossKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Classification losses, one row of logits at a time, with the conventions of PyTorch: a mean divides by the sum of the class weights of
/// the counted labels (NaN if there are none), and class weights enter the smoothing too.
final class ScalarLosses implements LossKernels {

    // logits [n, k], labels [n], classWeight [k]
    @Override
    public void crossEntropyForward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace) {
        int[] targets = labels.ints();
        float[] zs = logits.floats();
        double[] losses = workspace.scratchDoubles(0, "losses", s.n());
        Chunks.run(workspace, s.n(), 32L * s.k(), (from, to, _) -> {
            for (int in = from; in < to; in++) {
                losses[in] = targets[in] == s.ignoreIndex() ? 0 : crossEntropy(s, zs, in * s.k(), targets[in], classWeight);
            }
        });
        LossReduction.combine(s, losses, targets, classWeight, loss.floats());
    }

    // With -log p_j = logsumexp(z) - z_j: (1 - smoothing) * w_label * -log p_label + smoothing / k * sum over j of w_j * -log p_j
    private static double crossEntropy(CrossEntropySizes s, float[] logits, int row, int label, @Nullable Storage classWeight) {
        assert label >= 0 && label < s.k() : "a label is outside 0 .. k - 1";
        double logSum = logSumExp(logits, row, s.k());
        double loss = LossReduction.weight(classWeight, label) * (logSum - logits[row + label]);
        if (s.smoothing() == 0) {
            return loss;
        }
        double sum = 0;
        for (int j = 0; j < s.k(); j++) {
            sum += LossReduction.weight(classWeight, j) * (logSum - logits[row + j]);
        }
        return (1.0 - s.smoothing()) * loss + (double) s.smoothing() / s.k() * sum;
    }

    // log sum over j of exp(z_j), the largest logit taken out
    private static double logSumExp(float[] logits, int row, int k) {
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < k; j++) {
            max = Math.max(max, logits[row + j]);
        }
        double sum = 0;
        for (int j = 0; j < k; j++) {
            sum += StrictMath.exp((double) logits[row + j] - max);
        }
        return max + StrictMath.log(sum);
    }

    // With p = softmax(z) and W the sum of all class weights, per unit of the row's loss:
    // dz_j = (1 - smoothing) * w_label * (p_j - [j = label]) + smoothing / k * (W * p_j - w_j)
    @Override
    public void crossEntropyBackward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage dLoss,
            Storage dLogits,
            Workspace workspace) {
        int k = s.k();
        int[] targets = labels.ints();
        float[] zs = logits.floats();
        float[] dzs = dLogits.floats();
        double totalWeight = 0;
        for (int j = 0; j < k; j++) {
            totalWeight += LossReduction.weight(classWeight, j);
        }
        double smoothing = s.smoothing();
        double smoothed = smoothing / k * totalWeight;
        double divisor = LossReduction.divisor(s, targets, classWeight);
        Chunks.run(workspace, s.n(), 32L * k, (from, to, _) -> {
            for (int in = from; in < to; in++) {
                int row = in * k;
                int label = targets[in];
                if (label == s.ignoreIndex()) {
                    Arrays.fill(dzs, row, row + k, 0f);
                    continue;
                }
                double upstream = LossReduction.upstream(s, dLoss, in) / divisor;
                double hard = (1 - smoothing) * LossReduction.weight(classWeight, label);
                double logSum = logSumExp(zs, row, k);
                for (int j = 0; j < k; j++) {
                    double p = StrictMath.exp(zs[row + j] - logSum);
                    double gradient = (hard + smoothed) * p - smoothing / k * LossReduction.weight(classWeight, j)
                            - (j == label ? hard : 0);
                    dzs[row + j] = (float) (upstream * gradient);
                }
            }
        });
    }

    // logProbabilities [n, k], labels [n], classWeight [k]: the loss of a row is -w_label * logProbabilities[label]
    @Override
    public void nllForward(CrossEntropySizes s, Storage logProbabilities, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace) {
        int[] targets = labels.ints();
        double[] losses = workspace.scratchDoubles(0, "losses", s.n());
        for (int in = 0; in < s.n(); in++) {
            int label = targets[in];
            losses[in] = label == s.ignoreIndex()
                    ? 0
                    : -LossReduction.weight(classWeight, label) * logProbabilities.floats()[in * s.k() + label];
        }
        LossReduction.combine(s, losses, targets, classWeight, loss.floats());
    }

    @Override
    public void nllBackward(CrossEntropySizes s, Storage labels, @Nullable Storage classWeight, Storage dLoss, Storage dLogProbabilities,
            Workspace workspace) {
        int[] targets = labels.ints();
        float[] gradients = dLogProbabilities.floats();
        double divisor = LossReduction.divisor(s, targets, classWeight);
        Arrays.fill(gradients, 0, s.n() * s.k(), 0f);
        for (int in = 0; in < s.n(); in++) {
            if (targets[in] != s.ignoreIndex()) {
                gradients[in * s.k() + targets[in]] = (float) (-LossReduction.weight(classWeight, targets[in])
                        * LossReduction.upstream(s, dLoss, in) / divisor);
            }
        }
    }
}
