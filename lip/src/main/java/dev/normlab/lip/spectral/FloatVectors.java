package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Workers;

/// Arithmetic of long float vectors on a team of threads; sums are in double precision and do not depend on the number of threads.
final class FloatVectors {

    private static final int CHUNK = 1 << 14;

    private final Workers workers;

    FloatVectors(Workers workers) {
        this.workers = workers;
    }

    private static int chunks(int length) {
        return (length + CHUNK - 1) / CHUNK;
    }

    /// `Σ x·y`.
    double dot(float[] x, float[] y) {
        double[] sums = new double[chunks(x.length)];
        workers.run(sums.length, (chunk, _) -> sums[chunk] = dot(x, y, chunk * CHUNK, Math.min(x.length, (chunk + 1) * CHUNK)));
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    /// `‖x‖`.
    double norm(float[] x) {
        return Math.sqrt(dot(x, x));
    }

    /// `y += a·x`.
    void add(float[] y, double a, float[] x) {
        float factor = (float) a;
        workers.run(chunks(x.length), (chunk, _) -> add(y, factor, x, chunk * CHUNK, Math.min(x.length, (chunk + 1) * CHUNK)));
    }

    /// `x *= a`.
    void scale(float[] x, double a) {
        float factor = (float) a;
        workers.run(chunks(x.length), (chunk, _) -> scale(x, factor, chunk * CHUNK, Math.min(x.length, (chunk + 1) * CHUNK)));
    }

    private static void scale(float[] x, float a, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] *= a;
        }
    }

    private static void add(float[] y, float a, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] += a * x[i];
        }
    }

    private static double dot(float[] x, float[] y, int from, int to) {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int i = from;
        for (; i + 4 <= to; i += 4) {
            s0 += (double) x[i] * y[i];
            s1 += (double) x[i + 1] * y[i + 1];
            s2 += (double) x[i + 2] * y[i + 2];
            s3 += (double) x[i + 3] * y[i + 3];
        }
        for (; i < to; i++) {
            s0 += (double) x[i] * y[i];
        }
        return (s0 + s2) + (s1 + s3);
    }
}
