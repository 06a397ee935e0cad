package dev.normlab.testkit;

import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/// Steps of attacks along a gradient and back into a ball and the box, with references in double.
public final class AttackCases {

    private AttackCases() {}

    /// Steps in both balls, short and long ones, also with zero, infinite and NaN gradients.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (int[] sizes : new int[][] {{1, 1, 1, 1}, {3, 3, 5, 7}, {2, 3, 8, 8}, {5, 17, 2, 2}, {0, 3, 4, 4}, {9, 3, 40, 40}, {4, 33}}) {
            Tensor clean = Samples.uniform(seed++, 0f, 1f, sizes);
            Tensor point = nearby(clean, seed++);
            Tensor gradient = Samples.uniform(seed++, sizes);
            for (float step : new float[] {0.01f, 0.3f, 40f}) {
                cases.add(sign("", gradient, clean, step, 0.05f, point));
                cases.add(unit("", gradient, clean, step, 0.5f, point));
            }
            cases.add(sign("without room ", gradient, clean, 0.01f, 0f, point));
            cases.add(unit("without room ", gradient, clean, 0.01f, 0f, point));
        }
        Tensor clean = Samples.uniform(seed++, 0f, 1f, 4, 3, 4, 3);
        Tensor special = Tensor.of(clean.shape(),
                Samples.repeated(144, 0f, -0f, Float.NaN, 1e-30f, -1e-30f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY).toArray());
        cases.add(sign("special gradients ", special, clean, 0.1f, 0.05f, clean));
        Tensor ordinary = Samples.uniform(seed++, 4, 3, 4, 3);
        Tensor nowhere = Tensor.of(clean.shape(), Samples.repeated(144, 0.5f, Float.NaN, 0.25f).toArray());
        cases.add(sign("NaN among the clean values ", ordinary, nowhere, 0.1f, 0.05f, clean));
        cases.add(sign("NaN among the points ", ordinary, clean, 0.1f, 0.05f, nowhere));
        float[] oneWithout = Samples.uniform(seed, 4, 3, 4, 3).toArray();
        Arrays.fill(oneWithout, 36, 72, 0f);
        oneWithout[80] = Float.NaN;
        cases.add(unit("zero and NaN gradients ", Tensor.of(clean.shape(), oneWithout), clean, 0.1f, 0.05f, clean));
        return cases;
    }

    private static Tensor nearby(Tensor clean, long seed) {
        float[] moved = clean.toArray();
        float[] by = Samples.uniform(seed, -0.04f, 0.04f, moved.length).toArray();
        for (int i = 0; i < moved.length; i++) {
            moved[i] = Math.min(Math.max(moved[i] + by[i], 0f), 1f);
        }
        return Tensor.of(clean.shape(), moved);
    }

    private static OperationCase sign(String what, Tensor gradient, Tensor clean, float step, float eps, Tensor point) {
        float[] gs = gradient.toArray(), cs = clean.toArray(), xs = point.toArray();
        return OperationCase.update(what + point.shape() + " step " + step + " in " + eps, Opcode.SIGN_STEP, null, List.of(point),
                () -> List.of(Expected.exactly(xs.length, i -> {
                    float moved = xs[i] + Math.signum(gs[i]) * step;
                    return Math.min(Math.max(Math.max(Math.min(moved, cs[i] + eps), cs[i] - eps), 0f), 1f);
                })), gradient, clean, Tensor.scalar(step), Tensor.scalar(eps));
    }

    private static OperationCase unit(String what, Tensor gradient, Tensor clean, float step, float eps, Tensor point) {
        float[] gs = gradient.toArray(), cs = clean.toArray(), xs = point.toArray();
        return OperationCase.update(what + point.shape() + " step " + step + " in " + eps, Opcode.UNIT_STEP, null, List.of(point), () -> {
            int n = point.shape().size(0);
            int each = n == 0 ? 0 : xs.length / n;
            double[] y = new double[xs.length];
            for (int in = 0; in < n; in++) {
                double length = length(in * each, each, i -> gs[i]);
                double[] delta = Expected.fill(xs.length, i -> xs[i] + step * (gs[i] / length) - cs[i]);
                double factor = Math.min(eps / length(in * each, each, i -> delta[i]), 1);
                for (int i = in * each; i < (in + 1) * each; i++) {
                    y[i] = Math.min(Math.max(cs[i] + delta[i] * factor, 0), 1);
                }
            }
            return List.of(Expected.rounded(4 + 8 * step, 1, y));
        }, gradient, clean, Tensor.scalar(step), Tensor.scalar(eps));
    }

    private static double length(int from, int each, IntToDoubleFunction value) {
        double squares = 0;
        for (int i = from; i < from + each; i++) {
            squares += value.applyAsDouble(i) * value.applyAsDouble(i);
        }
        return Math.max(Math.sqrt(squares), 1e-12);
    }
}
