package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;

/// A 3x3 kernel on a whole map of 2x2 pixels with a border of zeros: 9 products, where 16 of the definition's 36 meet the image.
///
/// Along one axis the two outputs are a Toeplitz matrix of the taps times the two inputs, which needs three products instead of four:
///
///     y0 = d0 g1 + d1 g2 = (d0 + d1) g1 + d1 (g2 - g1)      Bᵀ = [ 1 1 ]      G = [ 0  1  0 ]      Aᵀ = [ 1 1 0 ]
///     y1 = d0 g0 + d1 g1 = (d0 + d1) g1 + d0 (g0 - g1)           [ 0 1 ]          [ 0 -1  1 ]           [ 1 0 1 ]
///                                                                [ 1 0 ]          [ 1 -1  0 ]
final class WinogradMapTwo implements WinogradTransforms {

    private static final int M = 2;
    private static final int T = 2;
    private static final int P = 3;

    @Override
    public int outputs() {
        return M;
    }

    @Override
    public int inputs() {
        return T;
    }

    @Override
    public int firstInput() {
        return 1;
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
            int every = columns ? rowStep : V, intoStep = columns ? T * V : step;
            for (int line = 0; line < (columns ? T : P); line++) {
                int p = columns ? at + line * V : line * T * V, q = columns ? line * V : toAt + line * P * step;
                FloatVector d0 = load(from, p), d1 = load(from, p + every);
                d0.add(d1).intoArray(into, q);
                d1.intoArray(into, q + intoStep);
                d0.intoArray(into, q + 2 * intoStep);
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
                FloatVector m0 = load(from, p).add(addend);
                m0.add(load(from, p + every)).intoArray(into, q);
                m0.add(load(from, p + 2 * every)).intoArray(into, q + intoStep);
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
                FloatVector g1 = load(from, p + every);
                g1.intoArray(into, q);
                load(from, p + 2 * every).sub(g1).intoArray(into, q + intoStep);
                load(from, p).sub(g1).intoArray(into, q + 2 * intoStep);
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
                d0.add(d1).intoArray(into, q);
                d0.intoArray(into, q + intoStep);
                d1.intoArray(into, q + 2 * intoStep);
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
                s2.intoArray(into, q);
                load(from, p).sub(s1).sub(s2).intoArray(into, q + intoStep);
                s1.intoArray(into, q + 2 * intoStep);
            }
        }
    }
}
