package dev.normlab.lip.spectral;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A few steps of Lanczos for the largest eigenvalue of a positive semidefinite Hermitian matrix and its eigenvector (Golub & Van Loan,
/// Matrix Computations, section 10.1), in single precision and without reorthogonalisation: enough for a search, not for a measurement.
///
/// Complex vectors are pairs of arrays, matrices are arrays of rows, so that all loops add multiples of one array to another. The arrays of
/// a run serve the next one, too, but for those of its result. Not thread-safe.
final class HermitianLanczos {

    // Relative to the first Rayleigh quotient: a vector that is shorter is rounding.
    private static final double NOISE = 1e-5;

    private final int n;
    // the vectors of the steps
    private final List<float[]> x = new ArrayList<>();
    private final List<float[]> y = new ArrayList<>();
    // what a product adds up to
    private final float[] sumRe;
    private final float[] sumIm;

    /// A complex vector.
    record Complex(float[] re, float[] im) {}

    /// An eigenvalue, from below but for rounding, and a vector of length 1 that has it as Rayleigh quotient.
    record Pair(double value, Complex vector) {}

    /// For matrices `n x n`.
    HermitianLanczos(int n) {
        this.n = n;
        this.sumRe = new float[n];
        this.sumIm = new float[n];
    }

    /// The largest eigenvalue of `re + i·im`.
    ///
    /// @param start     at least `n` long; from a vector of zeros the value is 0
    /// @param mostSteps products with the matrix
    Pair run(float[][] re, float[][] im, Complex start, int mostSteps) {
        int steps = Math.min(mostSteps, n);
        while (x.size() < steps) {
            x.add(new float[n]);
            y.add(new float[n]);
        }
        double[] d = new double[steps];
        double[] e = new double[steps];
        set(x.getFirst(), y.getFirst(), start.re, start.im, Math.sqrt(square(start.re, start.im)));
        int k = 0;
        while (true) {
            apply(re, im, x.get(k), y.get(k));
            d[k] = dot(x.get(k), sumRe) + dot(y.get(k), sumIm);
            float before = k == 0 ? 0f : (float) -e[k - 1];
            Rows.add(sumRe, n, (float) -d[k], x.get(k), before, x.get(Math.max(0, k - 1)));
            Rows.add(sumIm, n, (float) -d[k], y.get(k), before, y.get(Math.max(0, k - 1)));
            e[k] = Math.sqrt(square(sumRe, sumIm));
            k++;
            if (k == steps || !(e[k - 1] > NOISE * d[0])) {
                break;
            }
            set(x.get(k), y.get(k), sumRe, sumIm, e[k - 1]);
        }
        return largest(Arrays.copyOf(d, k), Arrays.copyOf(e, k));
    }

    private Pair largest(double[] d, double[] e) {
        int k = d.length;
        double[][] z = new double[k][k];
        for (int i = 0; i < k; i++) {
            z[i][i] = 1;
        }
        e[k - 1] = 0;
        HermitianEigen.implicitQl(d, e, z);
        int best = 0;
        for (int i = 1; i < k; i++) {
            best = d[i] > d[best] ? i : best;
        }
        float[] re = new float[n];
        float[] im = new float[n];
        for (int i = 0; i < k; i++) {
            Rows.add(re, n, (float) z[best][i], x.get(i), 0, x.get(i));
            Rows.add(im, n, (float) z[best][i], y.get(i), 0, y.get(i));
        }
        set(re, im, re, im, Math.sqrt(square(re, im)));
        return new Pair(d[best], new Complex(re, im));
    }

    // sum = A·(x + iy): columns are the conjugates of rows.
    private void apply(float[][] re, float[][] im, float[] x, float[] y) {
        Arrays.fill(sumRe, 0f);
        Arrays.fill(sumIm, 0f);
        int i = 0;
        for (; i + 1 < n; i += 2) {
            Rows.add(sumRe, n, x[i], re[i], y[i], im[i], x[i + 1], re[i + 1], y[i + 1], im[i + 1]);
            Rows.add(sumIm, n, y[i], re[i], -x[i], im[i], y[i + 1], re[i + 1], -x[i + 1], im[i + 1]);
        }
        if (i < n) {
            Rows.add(sumRe, n, x[i], re[i], y[i], im[i]);
            Rows.add(sumIm, n, y[i], re[i], -x[i], im[i]);
        }
    }

    private double square(float[] x, float[] y) {
        return dot(x, x) + dot(y, y);
    }

    private double dot(float[] x, float[] y) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            a += (double) x[i] * y[i];
            b += (double) x[i + 1] * y[i + 1];
            c += (double) x[i + 2] * y[i + 2];
            d += (double) x[i + 3] * y[i + 3];
        }
        for (; i < n; i++) {
            a += (double) x[i] * y[i];
        }
        return a + b + (c + d);
    }

    // x, y = fromRe, fromIm divided by their length
    private void set(float[] x, float[] y, float[] fromRe, float[] fromIm, double length) {
        double factor = length > 0 ? 1 / length : 0; // beyond a float's range where the vector is tiny
        for (int i = 0; i < n; i++) {
            x[i] = (float) (factor * fromRe[i]);
            y[i] = (float) (factor * fromIm[i]);
        }
    }
}
