package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;

/// F(2x2, 3x3): 16 products for 4 outputs, where the definition needs 36.
///
/// The polynomials are evaluated at 0, ±1 and infinity:
///
///     Bᵀ = [ 1  0 -1  0 ]      G = [ 1    0   0  ]      Aᵀ = [ 1  1  1  0 ]
///          [ 0  1  1  0 ]          [ 1/2  1/2 1/2 ]          [ 0  1 -1 -1 ]
///          [ 0 -1  1  0 ]          [ 1/2 -1/2 1/2 ]
///          [ 0  1  0 -1 ]          [ 0    0   1  ]
///
/// The error is about that of direct summation.
final class WinogradTwo implements WinogradTransforms {

    private static final int M = 2;
    private static final int P = 4;

    private static final float HALF = 0.5f;

    @Override
    public int outputs() {
        return M;
    }

    @Override
    public int inputs() {
        return P;
    }

    @Override
    public int firstInput() {
        return 0;
    }

    @Override
    public int frequencies() {
        return P;
    }

    @Override
    public void input(float[] x, int at, int rowStep, float[] scratch, float[] to, int toAt, int step) {
        for (int pass = 0; pass < 2; pass++) {
            boolean columns = pass == 0;
            float[] from = columns ? x : scratch, into = columns ? scratch : to;
            int every = columns ? rowStep : V, intoStep = columns ? P * V : step;
            for (int line = 0; line < P; line++) {
                int p = columns ? at + line * V : line * P * V, q = columns ? line * V : toAt + line * P * step;
                FloatVector d1 = load(from, p + every), d2 = load(from, p + 2 * every);
                load(from, p).sub(d2).intoArray(into, q);
                d1.add(d2).intoArray(into, q + intoStep);
                d2.sub(d1).intoArray(into, q + 2 * intoStep);
                d1.sub(load(from, p + 3 * every)).intoArray(into, q + 3 * intoStep);
            }
        }
    }

    @Override
    public void output(float[] sums, int at, int step, float[] bias, int biasAt, float[] scratch, float[] y, int yAt, int rowStep) {
        for (int pass = 0; pass < 2; pass++) {
            boolean columns = pass == 0;
            float[] from = columns ? sums : scratch, into = columns ? scratch : y;
            int every = columns ? P * step : V, intoStep = columns ? P * V : V;
            FloatVector addend = columns ? zero() : load(bias, biasAt);
            for (int line = 0; line < (columns ? P : M); line++) {
                int p = columns ? at + line * step : line * P * V, q = columns ? line * V : yAt + line * rowStep;
                FloatVector m1 = load(from, p + every), m2 = load(from, p + 2 * every);
                load(from, p).add(m1.add(m2)).add(addend).intoArray(into, q);
                m1.sub(m2).sub(load(from, p + 3 * every)).add(addend).intoArray(into, q + intoStep);
            }
        }
    }

    @Override
    public void weight(float[] taps, int at, int tapStep, float[] scratch, float[] to, int toAt, int step) {
        for (int pass = 0; pass < 2; pass++) {
            boolean columns = pass == 0;
            float[] from = columns ? taps : scratch, into = columns ? scratch : to;
            int every = columns ? 3 * tapStep : V, intoStep = columns ? 3 * V : step;
            for (int line = 0; line < (columns ? 3 : P); line++) {
                int p = columns ? at + line * tapStep : line * 3 * V, q = columns ? line * V : toAt + line * P * step;
                FloatVector g0 = load(from, p), g1 = load(from, p + every).mul(all(HALF)), g2 = load(from, p + 2 * every);
                FloatVector even = g0.add(g2).mul(all(HALF));
                g0.intoArray(into, q);
                even.add(g1).intoArray(into, q + intoStep);
                even.sub(g1).intoArray(into, q + 2 * intoStep);
                g2.intoArray(into, q + 3 * intoStep);
            }
        }
    }

    @Override
    public void gradient(float[] dOut, int at, int rowStep, float[] scratch, float[] to, int toAt, int step) {
        for (int pass = 0; pass < 2; pass++) {
            boolean columns = pass == 0;
            float[] from = columns ? dOut : scratch, into = columns ? scratch : to;
            int every = columns ? rowStep : V, intoStep = columns ? M * V : step;
            for (int line = 0; line < (columns ? M : P); line++) {
                int p = columns ? at + line * V : line * M * V, q = columns ? line * V : toAt + line * P * step;
                FloatVector d0 = load(from, p), d1 = load(from, p + every);
                d0.intoArray(into, q);
                d0.add(d1).intoArray(into, q + intoStep);
                d0.sub(d1).intoArray(into, q + 2 * intoStep);
                d1.neg().intoArray(into, q + 3 * intoStep);
            }
        }
    }

    @Override
    public void weightGradient(float[] sums, int at, int step, float[] scratch, float[] taps, int tapsAt, int tapStep) {
        for (int pass = 0; pass < 2; pass++) {
            boolean columns = pass == 0;
            float[] from = columns ? sums : scratch, into = columns ? scratch : taps;
            int every = columns ? P * step : V, intoStep = columns ? P * V : tapStep;
            for (int line = 0; line < (columns ? P : 3); line++) {
                int p = columns ? at + line * step : line * P * V, q = columns ? line * V : tapsAt + line * 3 * tapStep;
                FloatVector s1 = load(from, p + every), s2 = load(from, p + 2 * every);
                FloatVector even = s1.add(s2).mul(all(HALF));
                load(from, p).add(even).intoArray(into, q);
                s1.sub(s2).mul(all(HALF)).intoArray(into, q + intoStep);
                even.add(load(from, p + 3 * every)).intoArray(into, q + 2 * intoStep);
            }
        }
    }
}
