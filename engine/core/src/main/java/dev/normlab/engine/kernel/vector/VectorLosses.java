package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.LossKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.scalar.LossReduction;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Cross entropy of many classes, with the exponentials of a row in vectors; everything else is the scalar kernels' work. Formulas,
/// conventions and the order of all sums but those of the exponentials are theirs.
final class VectorLosses implements LossKernels {

    // Below this many classes a loss takes microseconds either way.
    private static final int MANY_CLASSES = 64;

    // Exponentials that make a chunk worth handing to a thread.
    private static final int EXPONENTIALS = 1 << 11;

    private final LossKernels scalar;

    VectorLosses(LossKernels scalar) {
        this.scalar = scalar;
    }

    /// What is done with rows `from .. to - 1`.
    ///
    /// @see RowLoops#exponentials for the scratch arrays
    @FunctionalInterface
    private interface Rows {

        void run(int from, int to, double[] exponentials, double[] lanes);
    }

    private static void eachRow(CrossEntropySizes s, Workspace workspace, Rows rows) {
        int perChunk = Math.max(1, EXPONENTIALS / s.k());
        workspace.workers().run((s.n() + perChunk - 1) / perChunk, (chunk, worker) -> rows.run(chunk * perChunk,
                Math.min(s.n(), (chunk + 1) * perChunk), workspace.scratchDoubles(worker, "softmax", RowLoops.padded(s.k())),
                workspace.scratchDoubles(worker, "lanes of a sum", DoubleLanes.D)));
    }

    // logits [n, k], labels [n], classWeight [k]
    @Override
    public void crossEntropyForward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace) {
        if (s.k() < MANY_CLASSES) {
            scalar.crossEntropyForward(s, logits, labels, classWeight, loss, workspace);
            return;
        }
        int[] targets = labels.ints();
        float[] zs = logits.floats();
        double[] losses = workspace.scratchDoubles(0, "losses", s.n());
        eachRow(s, workspace, (from, to, exponentials, lanes) -> {
            for (int in = from; in < to; in++) {
                losses[in] = targets[in] == s.ignoreIndex()
                        ? 0
                        : crossEntropy(s, zs, in * s.k(), targets[in], classWeight, logSumExp(zs, in * s.k(), s.k(), exponentials, lanes));
            }
        });
        LossReduction.combine(s, losses, targets, classWeight, loss.floats());
    }

    private static double crossEntropy(CrossEntropySizes s, float[] logits, int row, int label, @Nullable Storage classWeight,
            double logSum) {
        assert label >= 0 && label < s.k() : "a label is outside 0 .. k - 1";
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

    private static double logSumExp(float[] logits, int row, int k, double[] exponentials, double[] lanes) {
        float max = RowExtremes.largest(logits, row, k);
        return max + StrictMath.log(RowLoops.exponentials(logits, row, k, max, exponentials, lanes));
    }

    @Override
    public void crossEntropyBackward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage dLoss,
            Storage dLogits, Workspace workspace) {
        if (s.k() < MANY_CLASSES) {
            scalar.crossEntropyBackward(s, logits, labels, classWeight, dLoss, dLogits, workspace);
            return;
        }
        int k = s.k();
        int[] targets = labels.ints();
        float[] zs = logits.floats(), dzs = dLogits.floats();
        double totalWeight = 0;
        for (int j = 0; j < k; j++) {
            totalWeight += LossReduction.weight(classWeight, j);
        }
        double each = (double) s.smoothing() / k, smoothed = each * totalWeight;
        double divisor = LossReduction.divisor(s, targets, classWeight);
        eachRow(s, workspace, (from, to, exponentials, lanes) -> {
            for (int in = from; in < to; in++) {
                int row = in * k, label = targets[in];
                if (label == s.ignoreIndex()) {
                    Arrays.fill(dzs, row, row + k, 0f);
                    continue;
                }
                double upstream = LossReduction.upstream(s, dLoss, in) / divisor;
                double hard = (1 - (double) s.smoothing()) * LossReduction.weight(classWeight, label);
                RowLoops.exponentials(zs, row, k, logSumExp(zs, row, k, exponentials, lanes), exponentials, lanes);
                for (int j = 0; j < k; j++) {
                    double gradient = (hard + smoothed) * exponentials[j] - each * LossReduction.weight(classWeight, j);
                    dzs[row + j] = (float) (upstream * (j == label ? gradient - hard : gradient));
                }
            }
        });
    }

    @Override
    public void nllForward(CrossEntropySizes s, Storage logProbabilities, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace) {
        scalar.nllForward(s, logProbabilities, labels, classWeight, loss, workspace);
    }

    @Override
    public void nllBackward(CrossEntropySizes s, Storage labels, @Nullable Storage classWeight, Storage dLoss, Storage dLogProbabilities,
            Workspace workspace) {
        scalar.nllBackward(s, labels, classWeight, dLoss, dLogProbabilities, workspace);
    }
}
