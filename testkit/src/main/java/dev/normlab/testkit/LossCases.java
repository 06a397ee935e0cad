package dev.normlab.testkit;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Classification losses with every option, with references in double.
public final class LossCases {

    private static final int IGNORED = -100;

    private LossCases() {}

    /// Cross entropy and negative log likelihood, forward and backward.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (int[] size : new int[][] {{1, 2}, {6, 10}, {5, 17}, {33, 100}, {128, 10}, {3, 1}, {1000, 10}, {7, 301}}) {
            for (Reduction reduction : Reduction.values()) {
                for (int variant = 0; variant < 8; variant++) {
                    float smoothing = (variant & 1) != 0 ? 0.1f : 0;
                    CrossEntropySizes s = new CrossEntropySizes(size[0], size[1], smoothing, IGNORED, reduction);
                    Numbers numbers = new Numbers(s, (variant & 2) != 0, (variant & 4) != 0, variant == 0 ? 300f : 3f, seed++);
                    cases.addAll(numbers.cases());
                }
            }
        }
        CrossEntropySizes smooth = new CrossEntropySizes(4, 3, 1f, 1, Reduction.MEAN);
        cases.addAll(new Numbers(smooth, true, true, 1f, seed).cases());
        return cases;
    }

    /// The operands of one case and the formulas on them.
    private static final class Numbers {

        private final CrossEntropySizes s;
        private final Tensor scores;
        private final Tensor labels;
        private final @Nullable Tensor classWeight;
        private final Tensor dLoss;
        private final String name;

        private Numbers(CrossEntropySizes s, boolean weighted, boolean ignoring, float range, long seed) {
            this.s = s;
            this.scores = Samples.uniform(seed, -range, range, s.n(), s.k());
            this.labels = Samples.integers(seed + 1000, s.k(), s.n());
            this.classWeight = weighted ? Samples.uniform(seed + 2000, 0.2f, 2f, s.k()) : null;
            this.dLoss = s.reduction() == Reduction.NONE ? Samples.uniform(seed + 3000, s.n()) : Samples.uniform(seed + 3000, new int[0]);
            if (ignoring && s.n() > 2) {
                int[] changed = labels.toIntArray();
                changed[1] = s.ignoreIndex();
                changed[0] = s.ignoreIndex() == 1 ? 0 : changed[0];
                labels.setInts(changed);
            }
            name = s + (weighted ? " weighted" : "") + (ignoring ? " ignoring" : "") + " range " + range;
        }

        private List<OperationCase> cases() {
            List<OperationCase> cases = new ArrayList<>();
            TensorSpec loss = dLoss.spec();
            cases.add(OperationCase.of(name, Opcode.CROSS_ENTROPY, s, loss, () -> forward(logSoftmax()), scores, labels, classWeight));
            cases.add(OperationCase.of(name, Opcode.CROSS_ENTROPY_BACKWARD, s, scores.spec(), () -> backward(true), scores, labels,
                    classWeight, dLoss));
            if (s.smoothing() == 0) {
                float[] given = scores.toArray();
                cases.add(OperationCase.of(name, Opcode.NLL, s, loss, () -> forward(Expected.fill(given.length, i -> given[i])), scores,
                        labels,
                        classWeight));
                cases.add(OperationCase.of(name, Opcode.NLL_BACKWARD, s, scores.spec(), () -> backward(false), labels, classWeight, dLoss));
            }
            return cases;
        }

        private double[] logSoftmax() {
            float[] xs = scores.toArray();
            double[] result = new double[xs.length];
            for (int in = 0; in < s.n(); in++) {
                double max = Double.NEGATIVE_INFINITY;
                for (int ik = 0; ik < s.k(); ik++) {
                    max = Math.max(max, xs[in * s.k() + ik]);
                }
                double sum = 0;
                for (int ik = 0; ik < s.k(); ik++) {
                    sum += Math.exp(xs[in * s.k() + ik] - max);
                }
                for (int ik = 0; ik < s.k(); ik++) {
                    result[in * s.k() + ik] = xs[in * s.k() + ik] - max - Math.log(sum);
                }
            }
            return result;
        }

        private double weightOf(int k) {
            return classWeight == null ? 1 : classWeight.storage().floats()[k];
        }

        private boolean isCounted(int in) {
            return labels.storage().ints()[in] != s.ignoreIndex();
        }

        /// The smoothed target times the class weight.
        private double target(int in, int ik) {
            double onehot = labels.storage().ints()[in] == ik ? 1 - (double) s.smoothing() : 0;
            return isCounted(in) ? weightOf(ik) * (onehot + (double) s.smoothing() / s.k()) : 0;
        }

        private double divisor() {
            double sum = 0;
            for (int in = 0; in < s.n(); in++) {
                sum += isCounted(in) ? weightOf(labels.storage().ints()[in]) : 0;
            }
            return s.reduction() == Reduction.MEAN ? sum : 1;
        }

        private Expected forward(double[] logProbabilities) {
            double[] losses = new double[s.n()];
            double[] magnitudes = new double[s.n()];
            float[] given = scores.toArray();
            for (int i = 0; i < given.length; i++) {
                int in = i / s.k();
                double term = target(in, i % s.k()) * logProbabilities[i];
                losses[in] -= term;
                magnitudes[in] += Math.abs(term) + target(in, i % s.k()) * (1 + Math.abs(given[i]));
            }
            if (s.reduction() == Reduction.NONE) {
                return Expected.sums(losses, magnitudes, 16 + s.k());
            }
            double divisor = divisor();
            double sum = 0;
            double magnitude = 0;
            for (int in = 0; in < s.n(); in++) {
                sum += losses[in] / divisor;
                magnitude += magnitudes[in] / divisor;
            }
            return Expected.sums(new double[] {sum}, new double[] {magnitude}, 16 + s.k() + s.n());
        }

        private Expected backward(boolean fromLogits) {
            double divisor = divisor();
            double[] logProbabilities = logSoftmax();
            float[] ds = dLoss.toArray();
            double[] result = new double[s.n() * s.k()];
            double[] tolerances = new double[result.length];
            for (int i = 0; i < result.length; i++) {
                int in = i / s.k();
                double all = 0;
                for (int ik = 0; ik < s.k(); ik++) {
                    all += target(in, ik);
                }
                double upstream = ds[s.reduction() == Reduction.NONE ? in : 0] / divisor;
                double probability = fromLogits ? Math.exp(logProbabilities[i]) : 0;
                result[i] = upstream * (probability * all - target(in, i % s.k()));
                double reach = 16 + Math.abs(logProbabilities[i]) + 4 * Math.sqrt(s.k() + s.n());
                tolerances[i] = Expected.ROUNDING * Math.abs(upstream) * (probability * all * reach + target(in, i % s.k()) * reach)
                        + Float.MIN_NORMAL * 8;
            }
            return new Expected(result, tolerances);
        }
    }
}
