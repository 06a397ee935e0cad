package dev.normlab.lip.spectral;

/// Loops over rows of numbers from which everything else is made. They are kept so plain, with one array written in each, because the
/// compiler then turns them into vector instructions.
final class Rows {

    private Rows() {}

    /// `y += a·x` from `from` to before `to`.
    static void add(double[] y, double a, double[] x, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] += a * x[j];
        }
    }

    /// `y += a·x + b·z`.
    static void add(double[] y, double a, double[] x, double b, double[] z, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] += a * x[j] + b * z[j];
        }
    }

    /// `y += a·x + b·z + c·u + d·v`.
    static void add(double[] y, double a, double[] x, double b, double[] z, double c, double[] u, double d, double[] v, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] += a * x[j] + b * z[j] + (c * u[j] + d * v[j]);
        }
    }

    /// `y += a·x + b·z`, whole rows of `n`.
    static void add(float[] y, int n, float a, float[] x, float b, float[] z) {
        for (int j = 0; j < n; j++) {
            y[j] += a * x[j] + b * z[j];
        }
    }

    /// `y += a·x + b·z + c·u + d·v`, whole rows of `n`.
    static void add(float[] y, int n, float a, float[] x, float b, float[] z, float c, float[] u, float d, float[] v) {
        for (int j = 0; j < n; j++) {
            y[j] += a * x[j] + b * z[j] + (c * u[j] + d * v[j]);
        }
    }

    /// `y += x` from `from` to before `to`.
    static void add(float[] y, float[] x, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] += x[j];
        }
    }

    /// `y = a·y`.
    static void scale(double[] y, double a, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] *= a;
        }
    }

    /// `(x, y) = (c·x - s·y, s·x + c·y)`.
    static void rotate(double[] x, double[] y, double c, double s, int n) {
        for (int j = 0; j < n; j++) {
            double a = x[j];
            double b = y[j];
            x[j] = c * a - s * b;
            y[j] = s * a + c * b;
        }
    }

    /// `Σ x·y` in eight sums that are added in a fixed order.
    static double dot(double[] x, double[] y, int from, int to) {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int j = from;
        for (; j + 8 <= to; j += 8) {
            s0 += x[j] * y[j];
            s1 += x[j + 1] * y[j + 1];
            s2 += x[j + 2] * y[j + 2];
            s3 += x[j + 3] * y[j + 3];
            s4 += x[j + 4] * y[j + 4];
            s5 += x[j + 5] * y[j + 5];
            s6 += x[j + 6] * y[j + 6];
            s7 += x[j + 7] * y[j + 7];
        }
        for (; j < to; j++) {
            s0 += x[j] * y[j];
        }
        return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7));
    }
}
