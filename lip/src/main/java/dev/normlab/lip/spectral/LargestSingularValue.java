package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.StoragePool;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Estimates the largest singular value of an operator from below by Golub-Kahan-Lanczos bidiagonalisation (Golub & Van Loan, Matrix
/// Computations, section 10.4) from a random start, with full reorthogonalisation of the right vectors (Simon & Zha 2000: one side
/// suffices).
///
/// The value is an *estimate*: it is never above the true one except by rounding, and converges to it. A small residual proves that a
/// singular value is near, not that it is the largest. For a guarantee take [L2Bound], for one with a stated probability
/// [Estimate#boundWithProbability].
public final class LargestSingularValue {

    private LargestSingularValue() {}

    /// When to stop.
    ///
    /// @param accuracy  the relative error aimed at
    /// @param mostSteps steps of two applications of the operator each
    public record Options(double accuracy, int mostSteps) {

        /// An accuracy of `1e-7` as far as single precision goes, at most 300 steps.
        public static final Options ACCURATE = new Options(1e-7, 300);

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if the accuracy is not positive, or there is no step
        public Options {
            if (!(accuracy > 0) || mostSteps < 1) {
                throw new IllegalArgumentException(
                        "expected a positive accuracy and at least one step, but got " + accuracy + " and " + mostSteps);
            }
        }
    }

    /// What Lanczos found.
    ///
    /// @param value     the estimate
    /// @param steps     how many were taken
    /// @param converged whether the accuracy was reached, as far as can be seen from the steps
    /// @param dimension of the inputs
    /// @param uniform   whether the start was a uniformly random direction
    public record Estimate(double value, int steps, boolean converged, int dimension, boolean uniform) {

        private Estimate times(double factor) {
            return new Estimate(value * factor, steps, converged, dimension, uniform);
        }

        /// A bound that holds except with a probability of at most `failure` over the random start, whatever the operator.
        ///
        /// With `k` steps in dimension `D`, `θ < σ/cosh(τ)` needs a start whose component along the largest singular vector is below
        /// `1/sinh((2k - 1)·τ)`: of all polynomials of degree `k - 1` a Chebyshev polynomial of degree `2k - 1` in `sqrt(1 - x)` shows it.
        /// A uniform direction has such a component with a probability of at most `sqrt(2D/π)/sinh((2k - 1)·τ)`. (Kuczyński & Woźniakowski
        /// 1992 give `1.648·sqrt(D)·exp(-sqrt(ε)(2k - 1))`, nearly the same.) Hence `σ <= θ·cosh(asinh(sqrt(2D/π)/failure)/(2k - 1))`.
        ///
        /// @throws IllegalArgumentException unless `failure` lies in (0, 1)
        /// @throws IllegalStateException    if the start was not uniformly random
        public double boundWithProbability(double failure) {
            if (!(failure > 0 && failure < 1)) {
                throw new IllegalArgumentException("a probability of failure lies between 0 and 1, but got " + failure);
            }
            if (!uniform) {
                throw new IllegalStateException("the start was not a uniformly random direction: no probability can be stated");
            }
            double x = Math.sqrt(2.0 * dimension / Math.PI) / failure;
            double angle = StrictMath.log(x + Math.sqrt(x * x + 1)) / (2 * steps - 1);
            return value * StrictMath.cosh(angle);
        }
    }

    /// The estimate.
    ///
    /// @param random source of the start: a Gaussian vector, whose direction is uniform
    public static Estimate estimate(LinearOperator operator, RandomStream random, Options options, Workers workers) {
        return new Bidiagonalization(operator, random, options, workers, new StoragePool(false)).run(null);
    }

    /// The estimate for a convolution of one image. On a large image the start is a plane wave that the layer amplifies most instead of a
    /// random one, which saves most of the steps.
    ///
    /// Weights are scaled by a power of two beforehand, and the value back, so that no sum of squares leaves the range of single precision.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @param random source of the start
    public static Estimate ofConvolution(Conv2dSizes s, PadMode mode, float[] weight, RandomStream random, Options options, Device device) {
        ConvolutionSpectrum.requireFinite(weight);
        int exponent = exponentOfLargest(weight);
        // lent, because fresh memory of this size takes as long as the search
        float[] scaled = device.pool().takeFloats(weight.length, true);
        Storage storage = Storage.ofFloats(s.weightShape(), Layout.PLAIN, scaled);
        try {
            scale(weight, -exponent, scaled);
            device.workspace().expectMany(storage);
            return of(s, mode, storage, random, options, device).times(Math.scalb(1.0, exponent));
        } finally {
            device.workspace().release(storage);
            device.pool().giveBack(scaled);
        }
    }

    private static Estimate of(Conv2dSizes s, PadMode mode, Storage weight, RandomStream random, Options options, Device device) {
        ConvolutionOperator operator = new ConvolutionOperator(s, mode, weight, device);
        if (mode != PadMode.ZERO || !WaveStart.suits(s)) {
            return new Bidiagonalization(operator, random, options, device.workers(), device.pool()).run(null);
        }
        float[] image = device.pool().takeFloats(operator.dimension(), true);
        try {
            WaveStart.fill(s, weight, random, device, image);
            return new Bidiagonalization(operator, random, options, device.workers(), device.pool())
                    .run(start -> operator.pack(image, start));
        } finally {
            device.pool().giveBack(image);
        }
    }

    /// The power of two just below the largest magnitude; 0 if all weights are zero.
    private static int exponentOfLargest(float[] weight) {
        double largest = 0;
        for (float value : weight) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest == 0 ? 0 : Math.getExponent(largest);
    }

    private static void scale(float[] weight, int exponent, float[] scaled) {
        double factor = Math.scalb(1.0, exponent);
        for (int i = 0; i < weight.length; i++) {
            scaled[i] = (float) (weight[i] * factor);
        }
    }

    /// The state of one bidiagonalisation: `M·V = U·B` with `B` upper bidiagonal, `alpha` on and `beta` beside the diagonal.
    private static final class Bidiagonalization {

        // How often a space that is exhausted is left for another random direction: it may hold one of two nearly equal values only.
        private static final int RESTARTS = 2;
        private static final double CLOSE = 40;
        // Lengths relative to the estimate that are rounding errors of single precision.
        private static final double NOISE = 1e-6;

        private final LinearOperator operator;
        private final RandomStream random;
        private final Options options;
        private final FloatVectors vectors;
        private final StoragePool pool;
        private final List<float[]> lent = new ArrayList<>();
        private final List<float[]> right = new ArrayList<>();
        private final List<Double> alpha = new ArrayList<>();
        private final List<Double> beta = new ArrayList<>();
        private final List<Double> thetas = new ArrayList<>();
        private int restarts;

        Bidiagonalization(LinearOperator operator, RandomStream random, Options options, Workers workers, StoragePool pool) {
            this.operator = operator;
            this.random = random;
            this.options = options;
            this.pool = pool;
            this.vectors = new FloatVectors(workers);
        }

        /// @param start writes where to start, or null for a random direction
        Estimate run(@Nullable Consumer<float[]> start) {
            try {
                if (start == null) {
                    return steps(null);
                }
                float[] first = vector(operator.inputs());
                start.accept(first);
                return steps(first);
            } finally {
                lent.forEach(pool::giveBack);
            }
        }

        // Lent, because fresh memory costs more than a step.
        private float[] vector(int length) {
            float[] vector = pool.takeFloats(length, true);
            lent.add(vector);
            return vector.length == length ? vector : new float[length];
        }

        private Estimate steps(float @Nullable [] start) {
            int dimension = operator.dimension();
            int most = Math.min(options.mostSteps(), dimension);
            double length = start == null ? 0 : vectors.norm(start);
            boolean uniform = start == null || !(length > 0);
            float[] v = start == null || uniform ? direction() : start;
            vectors.scale(v, uniform ? 1 : 1 / length);
            float[] u = vector(operator.outputs());
            float[] previous = vector(operator.outputs());
            while (true) {
                right.add(v);
                operator.apply(v, u);
                if (!beta.isEmpty()) {
                    vectors.add(u, -beta.getLast(), previous);
                }
                double a = vectors.norm(u);
                if (!(a < Double.POSITIVE_INFINITY)) {
                    throw new ArithmeticException("the operator gives " + a + ": its weights are not finite or too large");
                }
                alpha.add(a);
                float[] next = vector(operator.inputs());
                double b = 0;
                if (a > Float.MIN_NORMAL && (thetas.isEmpty() || a > NOISE * thetas.getLast())) {
                    vectors.scale(u, 1 / a);
                    operator.applyTransposed(u, next);
                    b = orthogonalized(next);
                }
                boolean converged = converged(b);
                int steps = right.size();
                if (converged && restarts >= RESTARTS || steps == most) {
                    return new Estimate(thetas.getLast(), steps, converged || steps == dimension, dimension, uniform);
                }
                if (exhausted(b)) {
                    restarts++;
                    next = direction();
                    beta.add(0.0);
                } else {
                    if (converged) {
                        return new Estimate(thetas.getLast(), steps, true, dimension, uniform);
                    }
                    vectors.scale(next, 1 / b);
                    beta.add(b);
                }
                v = next;
                float[] exchanged = previous;
                previous = u;
                u = exchanged;
            }
        }

        private boolean exhausted(double nextBeta) {
            return nextBeta <= NOISE * thetas.getLast();
        }

        /// A random direction orthogonal to the right vectors.
        private float[] direction() {
            float[] direction = new float[operator.inputs()];
            operator.fill(random::nextNormal, direction);
            vectors.scale(direction, 1 / orthogonalized(direction));
            return direction;
        }

        /// Takes the components along the earlier right vectors away, twice, and gives the length that remains.
        private double orthogonalized(float[] next) {
            for (int pass = 0; pass < 2; pass++) {
                for (float[] earlier : right) {
                    vectors.add(next, -vectors.dot(earlier, next), earlier);
                }
            }
            return vectors.norm(next);
        }

        /// Adds the newest estimate, the largest singular value of `B`, and judges it.
        ///
        /// @param nextBeta what the next step's element beside the diagonal would be
        private boolean converged(double nextBeta) {
            int k = alpha.size();
            double[] d = new double[k];
            double[] e = new double[k];
            double[][] last = new double[k][1];
            last[k - 1][0] = 1;
            for (int i = 0; i < k; i++) {
                double before = i == 0 ? 0 : beta.get(i - 1);
                d[i] = alpha.get(i) * alpha.get(i) + before * before;
                e[i] = i + 1 < k ? alpha.get(i) * beta.get(i) : 0;
            }
            HermitianEigen.implicitQl(d, e, last);
            int largest = 0;
            for (int i = 1; i < k; i++) {
                largest = d[i] > d[largest] ? i : largest;
            }
            double square = Math.max(0, d[largest]);
            thetas.add(Math.sqrt(square));
            if (exhausted(nextBeta)) {
                return true;
            }
            double residual = alpha.getLast() * nextBeta * Math.abs(last[largest][0]) / square;
            // the value's error is of the square of the residual, unless values lie so close that the residual cannot tell them apart
            return residual <= options.accuracy() || residual <= CLOSE * options.accuracy() && remaining() <= options.accuracy() / 2;
        }

        /// The relative growth still to come, if it goes on as lately: geometrically, or as the inverse square of the steps, which is how
        /// it goes where values lie close together.
        private double remaining() {
            int k = thetas.size();
            int window = k >= 9 ? 4 : 1;
            if (k < 3) {
                return Double.POSITIVE_INFINITY;
            }
            double now = thetas.get(k - 1) - thetas.get(k - 1 - window);
            double before = thetas.get(k - 1 - window) - thetas.get(k - 1 - 2 * window);
            double ratio = before > 0 ? Math.min(0.9, now / before) : 0.9;
            return now * Math.max(ratio / (1 - ratio), k / (2.0 * window)) / thetas.get(k - 1);
        }
    }
}
