package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;

/// F(4x4, 3x3): 36 products for 16 outputs, where the definition needs 144.
///
/// The polynomials of the taps and of the outputs are evaluated at 0, ±a, ±b and infinity with `a = 5/8` and `b = 3/2`. Points near one in
/// magnitude keep the constants small: the error is two to four times that of direct summation in float32, and half that of the usual
/// points ±1, ±2 (see `docs/performance.md`). Both squares are exact in binary. The matrices are
///
///     Bᵀ = [ a²b²    0   -(a²+b²)     0      1   0 ]      Aᵀ = [ 1  1   1   1   1   0 ]
///          [   0   ∓ab²     -b²      ±a      1   0 ]           [ 0  a  -a   b  -b   0 ]
///          [   0   ∓a²b     -a²      ±b      1   0 ]           [ 0  a²  a²  b²  b²  0 ]
///          [   0   a²b²      0   -(a²+b²)    0   1 ]           [ 0  a³ -a³  b³ -b³  1 ]
///
/// (the middle rows of Bᵀ stand for two each), and the rows of `G` are `[1, t, t²] / N(t)` with `N(0) = a²b²`, `N(±a) = 2a²(a² - b²)`,
/// `N(±b) = 2b²(b² - a²)`, and `[0, 0, 1]` for infinity. Rows of opposite points share their even and odd parts.
final class WinogradFour implements WinogradTransforms {

    private static final int M = 4;
    private static final int P = 6;

    private static final float A = 0.625f;
    private static final float B = 1.5f;
    private static final float A2 = A * A;
    private static final float B2 = B * B;
    private static final float A3 = A2 * A;
    private static final float B3 = B2 * B;
    private static final float SUM = A2 + B2;
    private static final float PRODUCT = A2 * B2;

    // 1 / N of zero, a and b, and times the powers of the point.
    private static final float G0 = (float) (1.0 / PRODUCT);
    private static final float GA0 = (float) (1.0 / (2.0 * A2 * (A2 - B2)));
    private static final float GA1 = (float) (A / (2.0 * A2 * (A2 - B2)));
    private static final float GA2 = (float) (1.0 / (2.0 * (A2 - B2)));
    private static final float GB0 = (float) (1.0 / (2.0 * B2 * (B2 - A2)));
    private static final float GB1 = (float) (B / (2.0 * B2 * (B2 - A2)));
    private static final float GB2 = (float) (1.0 / (2.0 * (B2 - A2)));

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
                FloatVector d3 = load(from, p + 3 * every), d4 = load(from, p + 4 * every);
                load(from, p).fma(all(PRODUCT), d2.fma(all(-SUM), d4)).intoArray(into, q);
                FloatVector even = d2.fma(all(-B2), d4), odd = d1.fma(all(-B2), d3);
                odd.fma(all(A), even).intoArray(into, q + intoStep);
                odd.fma(all(-A), even).intoArray(into, q + 2 * intoStep);
                even = d2.fma(all(-A2), d4);
                odd = d1.fma(all(-A2), d3);
                odd.fma(all(B), even).intoArray(into, q + 3 * intoStep);
                odd.fma(all(-B), even).intoArray(into, q + 4 * intoStep);
                d1.fma(all(PRODUCT), d3.fma(all(-SUM), load(from, p + 5 * every))).intoArray(into, q + 5 * intoStep);
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
                FloatVector m3 = load(from, p + 3 * every), m4 = load(from, p + 4 * every);
                FloatVector evenA = m1.add(m2), oddA = m1.sub(m2), evenB = m3.add(m4), oddB = m3.sub(m4);
                load(from, p).add(evenA).add(evenB).add(addend).intoArray(into, q);
                oddA.fma(all(A), oddB.fma(all(B), addend)).intoArray(into, q + intoStep);
                evenA.fma(all(A2), evenB.fma(all(B2), addend)).intoArray(into, q + 2 * intoStep);
                oddA.fma(all(A3), oddB.fma(all(B3), load(from, p + 5 * every))).add(addend).intoArray(into, q + 3 * intoStep);
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
                FloatVector g0 = load(from, p), g1 = load(from, p + every), g2 = load(from, p + 2 * every);
                g0.mul(all(G0)).intoArray(into, q);
                FloatVector even = g0.fma(all(GA0), g2.mul(all(GA2)));
                g1.fma(all(GA1), even).intoArray(into, q + intoStep);
                g1.fma(all(-GA1), even).intoArray(into, q + 2 * intoStep);
                even = g0.fma(all(GB0), g2.mul(all(GB2)));
                g1.fma(all(GB1), even).intoArray(into, q + 3 * intoStep);
                g1.fma(all(-GB1), even).intoArray(into, q + 4 * intoStep);
                g2.intoArray(into, q + 5 * intoStep);
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
                FloatVector d2 = load(from, p + 2 * every), d3 = load(from, p + 3 * every);
                d0.intoArray(into, q);
                FloatVector even = d2.fma(all(A2), d0), odd = d3.fma(all(A2), d1);
                odd.fma(all(A), even).intoArray(into, q + intoStep);
                odd.fma(all(-A), even).intoArray(into, q + 2 * intoStep);
                even = d2.fma(all(B2), d0);
                odd = d3.fma(all(B2), d1);
                odd.fma(all(B), even).intoArray(into, q + 3 * intoStep);
                odd.fma(all(-B), even).intoArray(into, q + 4 * intoStep);
                d3.intoArray(into, q + 5 * intoStep);
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
                FloatVector s3 = load(from, p + 3 * every), s4 = load(from, p + 4 * every);
                FloatVector evenA = s1.add(s2), evenB = s3.add(s4);
                load(from, p).fma(all(G0), evenA.fma(all(GA0), evenB.mul(all(GB0)))).intoArray(into, q);
                s1.sub(s2).fma(all(GA1), s3.sub(s4).mul(all(GB1))).intoArray(into, q + intoStep);
                evenA.fma(all(GA2), evenB.fma(all(GB2), load(from, p + 5 * every))).intoArray(into, q + 2 * intoStep);
            }
        }
    }
}
