package dev.normlab.testkit;

import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/// Steps of Auto-PGD, with references in double.
public final class AutoPgdCases {

    private static final int BISECTIONS = 100;

    private AutoPgdCases() {}

    /// Steps in all three balls, short and long ones, of several images of which some stay, with ties, zeros, infinities and NaN among the
    /// gradients.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 100;
        for (int[] sizes : new int[][] {{1, 1, 1, 1}, {3, 3, 5, 7}, {4, 3, 8, 8}, {0, 3, 4, 4}, {5, 3, 40, 40}, {2, 33}}) {
            Tensor clean = Samples.uniform(seed++, 0f, 1f, sizes);
            Tensor previous = nearby(clean, 0.04f, seed++), point = nearby(clean, 0.04f, seed++);
            Tensor gradient = Samples.uniform(seed++, sizes);
            for (float step : new float[] {0.01f, 0.3f, 40f}) {
                for (float share : new float[] {0.75f, 1f}) {
                    cases.add(momentum("", StepDirection.SIGN, gradient, clean, step, 0.05f, share, point, previous));
                    cases.add(momentum("", StepDirection.UNIT, gradient, clean, step, 0.5f, share, point, previous));
                }
                cases.add(sparse("", gradient, clean, 0.2, step, 1f, point));
            }
            cases.add(momentum("without room ", StepDirection.SIGN, gradient, clean, 0.1f, 0f, 0.75f, point, previous));
            cases.add(momentum("without room ", StepDirection.UNIT, gradient, clean, 0.1f, 0f, 0.75f, point, previous));
            cases.add(sparse("without room ", gradient, clean, 0.2, 0.1f, 0f, point));
            cases.add(sparse("of one entry ", gradient, clean, 0, 0.5f, 2f, point));
            cases.add(sparse("of all entries ", gradient, clean, 1, 3f, 2f, point));
            cases.add(sparse("inside the ball ", gradient, clean, 0.5, 0.01f, 1e4f, point));
            cases.add(sparse("with ties ", Samples.whole(seed++, 3, sizes), clean, 0.3, 1f, 2f, point));
            cases.add(sparse("of tiny gradients ", scaled(gradient, 1e-30f), clean, 0.3, 1f, 2f, point));
        }
        Tensor clean = Samples.uniform(seed++, 0f, 1f, 4, 3, 4, 3);
        Tensor special = Tensor.of(clean.shape(),
                Samples.repeated(144, 0f, -0f, Float.NaN, 1e-30f, -1e-30f, 0.5f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)
                        .toArray());
        Tensor point = nearby(clean, 0.04f, seed++);
        for (StepDirection direction : StepDirection.values()) {
            cases.add(momentum("special gradients ", direction, special, clean, 0.1f, 0.05f, 0.75f, point, clean));
        }
        for (double part : new double[] {0.1, 0.2, 0.3, 0.5, 0.7}) {
            cases.add(sparse("special gradients ", special, clean, part, 0.5f, 1f, point));
            cases.add(sparse("gradients over seventy decades ", spread(clean.shape()), clean, part, 0.5f, 1f, point));
        }
        float[] withoutOne = Samples.uniform(seed, 4, 3, 4, 3).toArray();
        Arrays.fill(withoutOne, 36, 72, 0f);
        Arrays.fill(withoutOne, 72, 108, Float.NaN);
        Tensor without = Tensor.of(clean.shape(), withoutOne);
        for (StepDirection direction : StepDirection.values()) {
            cases.add(momentum("images without gradients ", direction, without, clean, 0.1f, 0.05f, 0.75f, point, clean));
        }
        cases.add(sparse("images without gradients ", without, clean, 0.5, 0.5f, 1f, point));
        return cases;
    }

    /// Entries from 1e-36 to 1e36, of both signs.
    private static Tensor spread(Shape shape) {
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((i % 2 == 0 ? 1 : -1) * (1 + i % 7) * StrictMath.pow(10, i * 29 % 73 - 36));
        }
        return Tensor.of(shape, values);
    }

    private static Tensor scaled(Tensor x, float factor) {
        float[] values = x.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return Tensor.of(x.shape(), values);
    }

    private static Tensor nearby(Tensor clean, float by, long seed) {
        float[] moved = clean.toArray();
        float[] noise = Samples.uniform(seed, -by, by, moved.length).toArray();
        for (int i = 0; i < moved.length; i++) {
            moved[i] = Math.clamp(moved[i] + noise[i], 0f, 1f);
        }
        return Tensor.of(clean.shape(), moved);
    }

    /// The step for every image, of which each third one stays.
    private static float[] steps(int n, float step) {
        float[] steps = new float[n];
        for (int i = 0; i < n; i++) {
            steps[i] = i % 3 == 2 ? 0 : step / (1 + i);
        }
        return steps;
    }

    private static OperationCase momentum(String what, StepDirection direction, Tensor gradient, Tensor clean, float step, float eps,
            float share,
            Tensor point, Tensor previous) {
        int n = point.shape().size(0);
        float[] steps = steps(n, step);
        String name = what + direction + " " + point.shape() + " step " + step + " in " + eps + " share " + share;
        return OperationCase.update(name, Opcode.MOMENTUM_STEP, direction, List.of(point, previous), () -> {
            float[] x = point.toArray(), p = previous.toArray(), g = gradient.toArray(), c = clean.toArray();
            double[] next = new double[x.length], was = new double[x.length];
            for (int i = 0; i < n; i++) {
                int from = i * (x.length / n), to = from + x.length / n;
                if (steps[i] == 0) {
                    copy(x, next, from, to);
                    copy(p, was, from, to);
                    continue;
                }
                double[] along = along(direction, g, from, to);
                double[] ahead = new double[x.length];
                for (int j = from; j < to; j++) {
                    ahead[j] = x[j] + steps[i] * along[j];
                    was[j] = x[j];
                }
                project(direction, eps, c, ahead, from, to);
                for (int j = from; j < to; j++) {
                    next[j] = x[j] + share * (ahead[j] - x[j]) + (1 - share) * ((double) x[j] - p[j]);
                }
                project(direction, eps, c, next, from, to);
            }
            return List.of(Expected.rounded(6, 1, next), Expected.exactly(was));
        }, gradient, clean, Tensor.of(Shape.of(n), steps), Tensor.scalar(eps), Tensor.scalar(share));
    }

    private static void copy(float[] from, double[] to, int first, int end) {
        for (int j = first; j < end; j++) {
            to[j] = from[j];
        }
    }

    private static double[] along(StepDirection direction, float[] g, int from, int to) {
        double[] along = new double[g.length];
        double squares = 0;
        for (int j = from; j < to; j++) {
            along[j] = Float.isNaN(g[j]) ? 0 : Math.clamp((double) g[j], -Float.MAX_VALUE, Float.MAX_VALUE);
            squares += along[j] * along[j];
        }
        double length = Math.max(Math.sqrt(squares), 1e-12);
        for (int j = from; j < to; j++) {
            along[j] = direction == StepDirection.SIGN ? Math.signum(along[j]) : along[j] / length;
        }
        return along;
    }

    private static void project(StepDirection direction, double eps, float[] c, double[] x, int from, int to) {
        double squares = 0;
        for (int j = from; j < to; j++) {
            squares += (x[j] - c[j]) * (x[j] - c[j]);
        }
        double factor = Math.min(1, eps / Math.max(Math.sqrt(squares), Double.MIN_NORMAL));
        for (int j = from; j < to; j++) {
            double delta = x[j] - c[j];
            x[j] = Math.clamp(c[j] + (direction == StepDirection.SIGN ? Math.clamp(delta, -eps, eps) : factor * delta), 0, 1);
        }
    }

    /// @param part of the entries that move, the largest ones
    private static OperationCase sparse(String what, Tensor gradient, Tensor clean, double part, float step, float eps, Tensor point) {
        int n = point.shape().size(0);
        float[] steps = steps(n, step);
        int each = n == 0 ? 1 : point.shape().elements() / n;
        int[] ranks = new int[n];
        Arrays.setAll(ranks, i -> Math.clamp((long) ((1 - part) * each) - i % 2, 0, each - 1));
        String name = what + point.shape() + " " + part + " step " + step + " in " + eps;
        return OperationCase.update(name, Opcode.SPARSE_STEP, null, List.of(point), () -> {
            float[] x = point.toArray(), g = gradient.toArray(), c = clean.toArray();
            double[] next = new double[x.length];
            for (int i = 0; i < n; i++) {
                if (steps[i] == 0) {
                    copy(x, next, i * each, (i + 1) * each);
                } else {
                    sparse(g, c, ranks[i], steps[i], eps, x, next, i * each, (i + 1) * each);
                }
            }
            return List.of(Expected.rounded(6 + 2 * step, 1, next));
        }, gradient, clean, Tensor.ofInts(Shape.of(n), ranks), Tensor.of(Shape.of(n), steps), Tensor.scalar(eps));
    }

    private static void sparse(float[] g, float[] c, int rank, double step, double eps, float[] x, double[] next, int from, int to) {
        boolean[] moves = new boolean[g.length];
        int count = 0;
        for (int j = from; j < to; j++) {
            int notLarger = 0;
            for (int k = from; k < to; k++) {
                notLarger += size(g[k]) <= size(g[j]) ? 1 : 0;
            }
            moves[j] = size(g[j]) > 0 && notLarger > rank;
            count += moves[j] ? 1 : 0;
        }
        for (int j = from; j < to; j++) {
            next[j] = moves[j] ? x[j] + step / count * Math.signum(g[j]) : x[j];
        }
        DoubleUnaryOperator distance = shrink -> {
            double sum = 0;
            for (int j = from; j < to; j++) {
                sum += Math.abs(shrunk(next[j], c[j], shrink) - c[j]);
            }
            return sum;
        };
        double low = -1, high = step + 1;
        for (int k = 0; k < BISECTIONS; k++) {
            double middle = (low + high) / 2;
            boolean inside = middle >= 0 && distance.applyAsDouble(middle) <= eps;
            low = inside ? low : middle;
            high = inside ? middle : high;
        }
        for (int j = from; j < to; j++) {
            next[j] = shrunk(next[j], c[j], high);
        }
    }

    private static double size(float entry) {
        return Float.isNaN(entry) ? 0 : Math.abs(entry);
    }

    private static double shrunk(double x, double c, double by) {
        double delta = x - c;
        return Math.clamp(c + Math.signum(delta) * Math.max(Math.abs(delta) - by, 0), 0, 1);
    }
}
