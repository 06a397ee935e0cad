package dev.normlab.testkit;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Batch normalisation at awkward sizes, with references in double.
public final class BatchNormCases {

    private static final float EPS = 1e-5f;

    private BatchNormCases() {}

    /// All batch-norm kernels, with and without weight and bias, on images and on `[n, c]`.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (int c : new int[] {1, 3, 5, 10, 16, 17, 24, 33, 56, 152}) {
            cases.addAll(of(Shape.of(5, c, 2, 3), 0f, EPS, seed++));
            cases.addAll(of(Shape.of(3, c), 0f, EPS, seed++));
        }
        cases.addAll(of(Shape.of(2, 17, 7, 9), 0f, 1e-3f, seed++));
        cases.addAll(of(Shape.of(4, 16, 32, 32), 0f, EPS, seed++));
        cases.addAll(of(Shape.of(20, 40, 16, 16), 0f, EPS, seed++));
        cases.addAll(of(Shape.of(300, 20), 0f, EPS, seed++));
        cases.addAll(of(Shape.of(11, 2, 30, 31), 20f, EPS, seed++));
        cases.addAll(of(Shape.of(6, 16, 1, 1), 0f, EPS, seed++));
        cases.addAll(of(Shape.of(1, 24, 1, 2), 0f, EPS, seed++));
        cases.addAll(of(Shape.of(4, 10, 8, 8), 20f, EPS, seed++));
        cases.addAll(evalOf(Shape.of(1, 10, 1, 1), 0f, EPS, seed++));
        cases.addAll(evalOf(Shape.of(0, 10, 2, 2), 0f, EPS, seed++));
        for (int c : new int[] {1, 3, 10, 16, 24, 33, 152}) {
            cases.addAll(fusedOf(Shape.of(5, c, 2, 3), 0f, c != 10, seed++));
        }
        cases.addAll(fusedOf(Shape.of(3, 17), 0f, true, seed++));
        cases.addAll(fusedOf(Shape.of(2, 17, 7, 9), 0f, false, seed++));
        cases.addAll(fusedOf(Shape.of(20, 40, 16, 16), 0f, true, seed++));
        cases.addAll(fusedOf(Shape.of(6, 20, 1, 1), 0f, true, seed++));
        cases.addAll(fusedOf(Shape.of(11, 2, 30, 31), 0f, true, seed++));
        cases.addAll(fusedOf(Shape.of(4, 10, 8, 8), 20f, true, seed++));
        cases.addAll(fusedOf(Shape.of(4, 10, 16, 17), 0f, true, seed++));
        cases.add(runningStatistics(5, 6, 0.1f, seed++));
        cases.add(runningStatistics(17, 100, 0.01f, seed++));
        cases.add(runningStatistics(1, 2, 1f, seed));
        return cases;
    }

    private static List<OperationCase> of(Shape shape, float offset, float eps, long seed) {
        List<OperationCase> cases = new ArrayList<>(evalOf(shape, offset, eps, seed));
        Numbers affine = new Numbers(shape, offset, eps, true, seed);
        Numbers bare = new Numbers(shape, offset, eps, false, seed);
        for (Numbers k : List.of(affine, bare)) {
            String name = shape + (k.weight == null ? " without weight" : "") + (offset == 0 ? "" : " around " + offset);
            cases.add(OperationCase.of(name, Opcode.BATCH_NORM_TRAIN, k.sizes,
                    List.of(TensorSpec.floats(shape), TensorSpec.floats(k.sizes.c()), TensorSpec.floats(k.sizes.c())), k::train, k.x,
                    k.weight, k.bias));
            cases.add(OperationCase.of(name, Opcode.BATCH_NORM_TRAIN_BACKWARD_INPUT, k.sizes, TensorSpec.floats(shape),
                    k::trainBackwardInput, k.x, k.dOut,
                    k.weight, k.mean, k.var, k.dWeight, k.dBias));
        }
        cases.add(OperationCase.of(shape.toString(), Opcode.BATCH_NORM_BACKWARD_PARAMETERS, affine.sizes,
                List.of(TensorSpec.floats(affine.sizes.c()), TensorSpec.floats(affine.sizes.c())), affine::backwardParameters, affine.x,
                affine.dOut,
                affine.mean, affine.var));
        return cases;
    }

    private static List<OperationCase> evalOf(Shape shape, float offset, float eps, long seed) {
        List<OperationCase> cases = new ArrayList<>();
        for (Numbers k : List.of(new Numbers(shape, offset, eps, true, seed), new Numbers(shape, offset, eps, false, seed))) {
            String name = shape + (k.weight == null ? " without weight" : "");
            cases.add(OperationCase.of(name, Opcode.BATCH_NORM_EVAL, k.sizes, TensorSpec.floats(shape), k::eval, k.x, k.weight, k.bias,
                    k.mean, k.var));
            cases.add(OperationCase.of(name, Opcode.BATCH_NORM_EVAL_BACKWARD_INPUT, k.sizes, TensorSpec.floats(shape), k::evalBackwardInput,
                    k.dOut,
                    k.weight, k.var));
        }
        return cases;
    }

    // A ReLU behind it, with and without a residual.
    private static List<OperationCase> fusedOf(Shape shape, float offset, boolean affine, long seed) {
        List<OperationCase> cases = new ArrayList<>();
        Numbers k = new Numbers(shape, offset, EPS, affine, seed);
        TensorSpec image = TensorSpec.floats(shape);
        TensorSpec perChannel = TensorSpec.floats(k.sizes.c());
        String name = shape + (affine ? "" : " without weight") + (offset == 0 ? "" : " around " + offset);
        for (boolean residual : new boolean[] {false, true}) {
            Tensor added = residual ? k.residual : null;
            String what = name + (residual ? " plus residual" : "");
            cases.add(OperationCase.of(what, Opcode.BATCH_NORM_TRAIN_RELU, k.sizes, List.of(image, perChannel, perChannel),
                    () -> k.trainRelu(added), k.x, k.weight, k.bias, added));
            cases.add(OperationCase.of(what, Opcode.BATCH_NORM_EVAL_RELU, k.sizes, image, () -> k.clipped(k.eval(), added), k.x, k.weight,
                    k.bias, k.mean, k.var, added));
            cases.add(OperationCase.of(what, Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS, k.sizes, List.of(image, perChannel, perChannel),
                    () -> k.behindRelu(added), k.y, k.dOut, added, k.x, k.mean, k.var));
        }
        cases.add(OperationCase.of(name, Opcode.BATCH_NORM_EVAL_RELU_BACKWARD_INPUT, k.sizes, image, k::evalReluBackwardInput, k.y, k.dOut,
                k.weight, k.var));
        cases.add(OperationCase.of(name, Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD, k.sizes, List.of(image, perChannel, perChannel),
                k::trainReluBackward, k.x, k.dOut, k.weight, k.bias, k.mean, k.var));
        return cases;
    }

    private static OperationCase runningStatistics(int c, int count, float momentum, long seed) {
        Tensor mean = Samples.uniform(seed, c);
        Tensor var = Samples.uniform(seed + 100, 0.1f, 2f, c);
        Tensor runningMean = Samples.uniform(seed + 200, c);
        Tensor runningVar = Samples.uniform(seed + 300, 0.1f, 2f, c);
        return OperationCase.update(c + " channels, " + count + " values, momentum " + momentum, Opcode.UPDATE_RUNNING_STATISTICS,
                new RunningStatistics(count, momentum), List.of(runningMean, runningVar),
                () -> List.of(Expected.rounded(4, 1, mix(runningMean, mean, momentum, 1)),
                        Expected.rounded(4, 1, mix(runningVar, var, momentum, count / (count - 1.0)))),
                mean, var);
    }

    private static double[] mix(Tensor running, Tensor batch, float momentum, double correction) {
        float[] old = running.toArray();
        float[] fresh = batch.toArray();
        return Expected.fill(old.length, i -> (1 - (double) momentum) * old[i] + (double) momentum * correction * fresh[i]);
    }

    /// The operands of one case and the formulas on them. Element `i` of `[n, c, pixels]` belongs to channel `i / pixels % c`.
    private static final class Numbers {

        private final BatchNormSizes sizes;
        private final Tensor x;
        private final Tensor dOut;
        private final @Nullable Tensor weight;
        private final @Nullable Tensor bias;
        private final Tensor mean;
        private final Tensor var;
        private final Tensor dWeight;
        private final Tensor dBias;
        private final Tensor residual;
        private final Tensor y;
        private final float[] xs;
        private final float[] ds;

        private Numbers(Shape shape, float offset, float eps, boolean affine, long seed) {
            int c = shape.size(1);
            sizes = new BatchNormSizes(shape.size(0), c, shape.rank() == 4 ? shape.size(2) * shape.size(3) : 1, eps);
            x = Samples.uniform(seed, offset - 1, offset + 1, shape.toArray());
            dOut = Samples.uniform(seed + 1000, shape.toArray());
            weight = affine ? Samples.uniform(seed + 2000, c) : null;
            bias = affine ? Samples.uniform(seed + 3000, c) : null;
            mean = Samples.uniform(seed + 4000, offset - 0.2f, offset + 0.2f, c);
            var = Samples.uniform(seed + 5000, 0.2f, 1f, c);
            dWeight = Samples.uniform(seed + 6000, c);
            dBias = Samples.uniform(seed + 7000, c);
            residual = Samples.uniform(seed + 8000, shape.toArray());
            y = Samples.uniform(seed + 9000, shape.toArray());
            xs = x.toArray();
            ds = dOut.toArray();
        }

        private int channel(int i) {
            return i / sizes.pixels() % sizes.c();
        }

        private double weightOf(int ic) {
            return weight == null ? 1 : weight.storage().floats()[ic];
        }

        private List<Expected> train() {
            int c = sizes.c();
            double count = sizes.count();
            double[] means = new double[c];
            double[] magnitudes = new double[c];
            for (int i = 0; i < xs.length; i++) {
                means[channel(i)] += xs[i] / count;
                magnitudes[channel(i)] += Math.abs(xs[i]) / count;
            }
            double[] vars = new double[c];
            for (int i = 0; i < xs.length; i++) {
                vars[channel(i)] += Math.pow(xs[i] - means[channel(i)], 2) / count;
            }
            Expected meanResult = Expected.sums(means, magnitudes, sizes.count());
            double[] spread = Expected.fill(c,
                    ic -> 2 * vars[ic] + 2 * Math.abs(means[ic]) * Math.sqrt(vars[ic]) + means[ic] * means[ic] * 0x1p-20);
            Expected varResult = Expected.sums(vars, spread, sizes.count());
            return List.of(normalised(means, vars, meanResult.tolerances(), varResult.tolerances()), meanResult, varResult);
        }

        private Expected eval() {
            double[] exact = new double[sizes.c()];
            float[] means = mean.toArray();
            float[] vars = var.toArray();
            return normalised(Expected.fill(exact.length, i -> means[i]), Expected.fill(exact.length, i -> vars[i]), exact, exact);
        }

        private Expected normalised(double[] means, double[] vars, double[] meanTolerance, double[] varTolerance) {
            double[] weights = Expected.fill(sizes.c(), this::weightOf);
            float[] biases = bias == null ? new float[sizes.c()] : bias.toArray();
            double[] inverse = Expected.fill(sizes.c(), ic -> 1 / Math.sqrt(vars[ic] + sizes.eps()));
            double[] y = Expected.fill(xs.length,
                    i -> (xs[i] - means[channel(i)]) * inverse[channel(i)] * weights[channel(i)] + biases[channel(i)]);
            double[] tolerances = Expected.fill(xs.length, i -> {
                int ic = channel(i);
                double scale = Math.abs(weights[ic]) * inverse[ic];
                double shift = scale * (meanTolerance[ic] + 8 * Expected.ROUNDING * (Math.abs(xs[i]) + Math.abs(means[ic])));
                double stretch = scale * Math.abs(xs[i] - means[ic])
                        * (varTolerance[ic] / (2 * (vars[ic] + sizes.eps())) + 8 * Expected.ROUNDING);
                return shift + stretch + 4 * Expected.ROUNDING * Math.abs(biases[ic]);
            });
            return new Expected(y, tolerances);
        }

        private List<Expected> trainRelu(@Nullable Tensor added) {
            List<Expected> all = train();
            return List.of(clipped(all.get(0), added), all.get(1), all.get(2));
        }

        /// Not below 0, after something is added.
        private Expected clipped(Expected normalised, @Nullable Tensor added) {
            float[] more = added == null ? new float[xs.length] : added.toArray();
            double[] sums = Expected.fill(xs.length, i -> normalised.values()[i] + more[i]);
            return new Expected(Expected.fill(xs.length, i -> Math.max(0, sums[i])),
                    Expected.fill(xs.length, i -> normalised.tolerances()[i] + Expected.ROUNDING * 2 * Math.abs(sums[i])));
        }

        private List<Expected> behindRelu(@Nullable Tensor added) {
            float[] outputs = y.toArray();
            float[] more = added == null ? new float[xs.length] : added.toArray();
            float[] masked = new float[xs.length];
            for (int i = 0; i < masked.length; i++) {
                masked[i] = outputs[i] <= 0 ? 0f : ds[i] + more[i];
            }
            List<Expected> parameters = backwardParameters(masked);
            return List.of(Expected.exactly(masked.length, i -> masked[i]), parameters.get(0), parameters.get(1));
        }

        private Expected evalReluBackwardInput() {
            float[] outputs = y.toArray();
            Expected all = evalBackwardInput();
            return new Expected(Expected.fill(xs.length, i -> outputs[i] <= 0 ? 0 : all.values()[i]), all.tolerances());
        }

        /// Where the batch norm's output is so close to 0 that its sign is a matter of rounding, the gradient may or may not pass.
        private List<Expected> trainReluBackward() {
            Expected output = eval();
            float[] masked = new float[xs.length];
            double[] doubt = new double[sizes.c()];
            boolean[] unsure = new boolean[xs.length];
            for (int i = 0; i < masked.length; i++) {
                masked[i] = output.values()[i] <= 0 ? 0f : ds[i];
                unsure[i] = Math.abs(output.values()[i]) <= output.tolerances()[i];
                doubt[channel(i)] += unsure[i] ? Math.abs(ds[i]) * 10 : 0;
            }
            List<Expected> parameters = backwardParameters(masked);
            Expected weights = parameters.get(0);
            Expected biases = parameters.get(1);
            Expected dx = trainBackwardInput(masked, weights.values(), biases.values());
            float[] vars = var.toArray();
            double[] tolerances = Expected.fill(xs.length, i -> {
                int ic = channel(i);
                double scale = Math.abs(weightOf(ic)) / Math.sqrt(vars[ic] + sizes.eps());
                double share = scale / sizes.count() * (1 + 10 * Math.abs(xs[i] - mean.storage().floats()[ic]));
                return dx.tolerances()[i] + (unsure[i] ? 2 * scale * Math.abs(ds[i]) : 0)
                        + share * (weights.tolerances()[ic] + biases.tolerances()[ic] + doubt[ic]);
            });
            return List.of(new Expected(dx.values(), tolerances), looser(weights, doubt), looser(biases, doubt));
        }

        private static Expected looser(Expected expected, double[] by) {
            return new Expected(expected.values(), Expected.fill(by.length, i -> expected.tolerances()[i] + by[i]));
        }

        private List<Expected> backwardParameters() {
            return backwardParameters(ds);
        }

        private List<Expected> backwardParameters(float[] gradients) {
            float[] means = mean.toArray();
            float[] vars = var.toArray();
            double[] weightSum = new double[sizes.c()];
            double[] weightMagnitude = new double[sizes.c()];
            double[] biasSum = new double[sizes.c()];
            double[] biasMagnitude = new double[sizes.c()];
            for (int i = 0; i < xs.length; i++) {
                int ic = channel(i);
                double inverse = 1 / Math.sqrt((double) vars[ic] + sizes.eps());
                weightSum[ic] += gradients[i] * ((double) xs[i] - means[ic]) * inverse;
                weightMagnitude[ic] += Math.abs(gradients[i]) * (Math.abs((double) xs[i] - means[ic]) + Math.abs(means[ic])) * inverse * 2;
                biasSum[ic] += gradients[i];
                biasMagnitude[ic] += Math.abs(gradients[i]);
            }
            return List.of(Expected.sums(weightSum, weightMagnitude, sizes.count()), Expected.sums(biasSum, biasMagnitude, sizes.count()));
        }

        private Expected trainBackwardInput() {
            return trainBackwardInput(ds, Expected.toDoubles(dWeight), Expected.toDoubles(dBias));
        }

        private Expected trainBackwardInput(float[] gradients, double[] weightSums, double[] biasSums) {
            float[] means = mean.toArray();
            float[] vars = var.toArray();
            double count = sizes.count();
            double[] dx = new double[xs.length];
            double[] tolerances = new double[xs.length];
            for (int i = 0; i < xs.length; i++) {
                int ic = channel(i);
                double inverse = 1 / Math.sqrt((double) vars[ic] + sizes.eps());
                double scale = weightOf(ic) * inverse;
                dx[i] = scale * (gradients[i] - biasSums[ic] / count - ((double) xs[i] - means[ic]) * inverse * weightSums[ic] / count);
                double reach = Math.abs(xs[i]) + Math.abs(means[ic]);
                tolerances[i] = 8 * Expected.ROUNDING * Math.abs(scale)
                        * (Math.abs(gradients[i]) + Math.abs(biasSums[ic]) / count + reach * inverse * Math.abs(weightSums[ic]) / count);
            }
            return new Expected(dx, tolerances);
        }

        private Expected evalBackwardInput() {
            float[] vars = var.toArray();
            return Expected.rounded(8, 0,
                    Expected.fill(ds.length, i -> ds[i] * weightOf(channel(i)) / Math.sqrt((double) vars[channel(i)] + sizes.eps())));
        }
    }
}
