package dev.normlab.lip.spectral;

import java.util.ArrayList;
import java.util.List;

/// The discrete Fourier transform of any size, in double precision: `X[k] = Σ_j x[j] · exp(-2πi·jk/n)`.
///
/// A size is split into its prime factors, which are transformed one inside the other (Cooley & Tukey 1965). A prime factor above 31 is
/// transformed by a convolution of a power of two (Bluestein 1970), so that every size takes `O(n log n)` operations. Complex numbers are a
/// pair of arrays. An instance keeps its tables and no state of a transform: it may be used by many threads at once.
public final class FourierTransform {

    private static final int LARGEST_DIRECT_PRIME = 31;

    private final int n;
    private final int[] factors;
    private final RootsOfUnity roots;
    private final List<Bluestein> primes = new ArrayList<>();

    /// A transform of `n` numbers.
    ///
    /// @throws IllegalArgumentException if `n` is below 1
    public FourierTransform(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("a Fourier transform has at least one number, but got n = " + n);
        }
        this.n = n;
        this.roots = new RootsOfUnity(n);
        List<Integer> found = new ArrayList<>();
        int rest = n;
        for (int p = 2; rest > 1; p = p * p > rest ? rest : p + 1) {
            while (rest % p == 0) {
                found.add(p);
                rest /= p;
            }
        }
        this.factors = found.stream().mapToInt(Integer::intValue).toArray();
        for (int p : found.stream().distinct().filter(p -> p > LARGEST_DIRECT_PRIME).toList()) {
            primes.add(new Bluestein(p));
        }
    }

    /// The number of complex numbers.
    public int size() {
        return n;
    }

    /// Transforms in place.
    ///
    /// @param re the real parts, at least `n`
    /// @param im the imaginary parts, at least `n`
    public void forward(double[] re, double[] im) {
        double[] fromRe = re.clone();
        double[] fromIm = im.clone();
        transform(fromRe, fromIm, 0, 1, re, im, 0, n, 0);
    }

    /// Transforms back in place: `x[j] = 1/n · Σ_k X[k] · exp(+2πi·jk/n)`.
    public void inverse(double[] re, double[] im) {
        // exchanging real and imaginary parts conjugates the transform
        forward(im, re);
        for (int i = 0; i < n; i++) {
            re[i] /= n;
            im[i] /= n;
        }
    }

    /// Transforms an image `[rows, columns]`, row-major, in place.
    ///
    /// @param alongColumns of size `rows`
    /// @param alongRows    of size `columns`
    public static void forward2d(FourierTransform alongColumns, FourierTransform alongRows, double[] re, double[] im) {
        image(alongColumns, alongRows, re, im, false);
    }

    /// Transforms an image back, in place.
    public static void inverse2d(FourierTransform alongColumns, FourierTransform alongRows, double[] re, double[] im) {
        image(alongColumns, alongRows, re, im, true);
    }

    private static void image(FourierTransform alongColumns, FourierTransform alongRows, double[] re, double[] im, boolean inverse) {
        int h = alongColumns.n;
        int w = alongRows.n;
        double[] lineRe = new double[w];
        double[] lineIm = new double[w];
        for (int row = 0; row < h; row++) {
            System.arraycopy(re, row * w, lineRe, 0, w);
            System.arraycopy(im, row * w, lineIm, 0, w);
            alongRows.run(lineRe, lineIm, inverse);
            System.arraycopy(lineRe, 0, re, row * w, w);
            System.arraycopy(lineIm, 0, im, row * w, w);
        }
        lineRe = new double[h];
        lineIm = new double[h];
        for (int column = 0; column < w; column++) {
            for (int row = 0; row < h; row++) {
                lineRe[row] = re[row * w + column];
                lineIm[row] = im[row * w + column];
            }
            alongColumns.run(lineRe, lineIm, inverse);
            for (int row = 0; row < h; row++) {
                re[row * w + column] = lineRe[row];
                im[row * w + column] = lineIm[row];
            }
        }
    }

    private void run(double[] re, double[] im, boolean inverse) {
        if (inverse) {
            inverse(re, im);
        } else {
            forward(re, im);
        }
    }

    /// Transforms the `length` numbers `from[at], from[at + step], ..` to `to[toAt..]`; they are the product of the factors from `depth`
    /// on.
    private void transform(double[] fromRe, double[] fromIm, int at, int step, double[] toRe, double[] toIm, int toAt, int length,
            int depth) {
        if (length == 1) {
            toRe[toAt] = fromRe[at];
            toIm[toAt] = fromIm[at];
            return;
        }
        int p = factors[depth];
        int part = length / p;
        for (int q = 0; q < p; q++) {
            transform(fromRe, fromIm, at + q * step, step * p, toRe, toIm, toAt + q * part, part, depth + 1);
        }
        double[] re = new double[p];
        double[] im = new double[p];
        for (int k = 0; k < part; k++) {
            for (int q = 0; q < p; q++) {
                int angle = -(int) ((long) q * k % length) * (n / length);
                double c = roots.cos(angle);
                double s = roots.sin(angle);
                double x = toRe[toAt + q * part + k];
                double y = toIm[toAt + q * part + k];
                re[q] = x * c - y * s;
                im[q] = x * s + y * c;
            }
            butterfly(p, re, im, toRe, toIm, toAt + k, part);
        }
    }

    /// The transform of `p` numbers, `p` prime, written at distance `part`.
    private void butterfly(int p, double[] re, double[] im, double[] toRe, double[] toIm, int toAt, int part) {
        if (p > LARGEST_DIRECT_PRIME) {
            for (Bluestein prime : primes) {
                if (prime.p == p) {
                    prime.transform(re, im);
                }
            }
            for (int r = 0; r < p; r++) {
                toRe[toAt + r * part] = re[r];
                toIm[toAt + r * part] = im[r];
            }
            return;
        }
        for (int r = 0; r < p; r++) {
            double sumRe = 0;
            double sumIm = 0;
            for (int q = 0; q < p; q++) {
                int angle = -(q * r % p) * (n / p);
                double c = roots.cos(angle);
                double s = roots.sin(angle);
                sumRe += re[q] * c - im[q] * s;
                sumIm += re[q] * s + im[q] * c;
            }
            toRe[toAt + r * part] = sumRe;
            toIm[toAt + r * part] = sumIm;
        }
    }

    /// The transform of a prime size `p` as a convolution: with `w = exp(-πi/p)` and `jk = (j² + k² - (k - j)²)/2` it is
    /// `X[k] = w^(k²) · Σ_j (x[j] · w^(j²)) · w^(-(k-j)²)`, and the sum is a circular convolution of a power of two of at least `2p - 1`.
    private static final class Bluestein {

        private final int p;
        private final int m;
        private final FourierTransform powerOfTwo;
        private final RootsOfUnity halves;
        private final double[] chirpRe;
        private final double[] chirpIm;

        Bluestein(int p) {
            this.p = p;
            this.m = Integer.highestOneBit(2 * p - 1) << 1;
            this.powerOfTwo = new FourierTransform(m);
            this.halves = new RootsOfUnity(2 * p);
            this.chirpRe = new double[m];
            this.chirpIm = new double[m];
            for (int j = 0; j < p; j++) {
                int angle = square(j);
                int mirrored = j == 0 ? 0 : m - j;
                chirpRe[j] = chirpRe[mirrored] = halves.cos(angle);
                chirpIm[j] = chirpIm[mirrored] = halves.sin(angle);
            }
            powerOfTwo.forward(chirpRe, chirpIm);
        }

        private int square(int j) {
            return (int) ((long) j * j % (2L * p));
        }

        void transform(double[] re, double[] im) {
            double[] xRe = new double[m];
            double[] xIm = new double[m];
            for (int j = 0; j < p; j++) {
                double c = halves.cos(square(j));
                double s = -halves.sin(square(j));
                xRe[j] = re[j] * c - im[j] * s;
                xIm[j] = re[j] * s + im[j] * c;
            }
            powerOfTwo.forward(xRe, xIm);
            for (int k = 0; k < m; k++) {
                double x = xRe[k];
                xRe[k] = x * chirpRe[k] - xIm[k] * chirpIm[k];
                xIm[k] = x * chirpIm[k] + xIm[k] * chirpRe[k];
            }
            powerOfTwo.inverse(xRe, xIm);
            for (int k = 0; k < p; k++) {
                double c = halves.cos(square(k));
                double s = -halves.sin(square(k));
                re[k] = xRe[k] * c - xIm[k] * s;
                im[k] = xRe[k] * s + xIm[k] * c;
            }
        }
    }
}
