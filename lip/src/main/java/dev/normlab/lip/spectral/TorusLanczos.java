package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A few Lanczos steps for the largest singular value of a convolution at every frequency of a small torus, at all of them together.
///
/// The layer acts on the frequencies of an image independently. So one image carries a vector of each, the layer's own kernels apply it to
/// all, and Fourier transforms, as products with a matrix, take them apart again. The steps of the frequencies have nothing else in common.
/// In single precision: a search, not a measurement.
final class TorusLanczos {

    // Frequencies that a thread takes at once.
    private static final int CHUNK = 32;

    private final int groups;
    private final int columns;
    private final int strideH;
    private final int strideW;
    private final int gridH;
    private final int gridW;
    private final int frequencies;
    private final Device device;
    private final ConvolutionOperator torus;
    private final Storage toImages;
    private final Storage toFrequencies;
    private final float[] planes;
    private final float[] image;
    private final float[] output;
    private final float[][] basis;
    private final double[][] d;
    private final double[][] e;

    /// Takes the steps.
    ///
    /// @param s      of the layer; padding plays no part
    /// @param weight row-major; not copied
    /// @param gridH  frequencies along the columns of an image, at least the positions that the kernel reaches over
    /// @param gridW  the same along the rows
    TorusLanczos(Conv2dSizes s, Storage weight, int gridH, int gridW, int steps, RandomStream random, Device device) {
        this.groups = s.groups();
        this.strideH = s.strideH();
        this.strideW = s.strideW();
        this.columns = s.groupInputs() * strideH * strideW;
        this.gridH = gridH;
        this.gridW = gridW;
        this.device = device;
        List<Frequency> grid = Frequency.of(gridH, gridW);
        this.frequencies = grid.size();
        this.torus = new ConvolutionOperator(onTorus(s, gridH, gridW), PadMode.CIRCULAR, weight, device);
        this.toImages = Storage.ofFloats(Shape.of(2 * frequencies, gridH * gridW), Layout.PLAIN, toImages(grid));
        this.toFrequencies = Storage.ofFloats(Shape.of(gridH * gridW, 2 * frequencies), Layout.PLAIN, toFrequencies(grid));
        this.planes = new float[groups * columns * gridH * gridW];
        this.image = strideH * strideW == 1 ? planes : new float[planes.length];
        this.output = new float[torus.outputs()];
        this.basis = new float[Math.min(steps, columns)][];
        this.d = new double[basis.length][groups * frequencies];
        this.e = new double[basis.length][groups * frequencies];
        this.basis[0] = start(grid, random);
        run();
    }

    // Output (a, b) reads inputs from (a·strideH, b·strideW) on: the border that the kernel needs lies below and to the right.
    private static Conv2dSizes onTorus(Conv2dSizes s, int gridH, int gridW) {
        int below = Math.max(0, (s.kh() - 1) * s.dilationH() + 1 - s.strideH());
        int right = Math.max(0, (s.kw() - 1) * s.dilationW() + 1 - s.strideW());
        return new Conv2dSizes(1, s.c(), gridH * s.strideH(), gridW * s.strideW(), s.o(), s.kh(), s.kw(), s.strideH(), s.strideW(), 0,
                below, 0, right, s.dilationH(), s.dilationW(), s.groups(), gridH, gridW);
    }

    // Rows: cos(ω·p) of every frequency, then -sin(ω·p).
    private float[] toImages(List<Frequency> grid) {
        int pixels = gridH * gridW;
        float[] matrix = new float[2 * frequencies * pixels];
        for (int k = 0; k < frequencies; k++) {
            for (int p = 0; p < pixels; p++) {
                double angle = angle(grid.get(k), p);
                matrix[k * pixels + p] = (float) StrictMath.cos(angle);
                matrix[(frequencies + k) * pixels + p] = (float) -StrictMath.sin(angle);
            }
        }
        return matrix;
    }

    // The same transposed, times the share of a frequency: an image of one comes back as it was.
    private float[] toFrequencies(List<Frequency> grid) {
        int pixels = gridH * gridW;
        float[] matrix = new float[2 * frequencies * pixels];
        for (int k = 0; k < frequencies; k++) {
            float share = (float) grid.get(k).weight() / pixels;
            for (int p = 0; p < pixels; p++) {
                double angle = angle(grid.get(k), p);
                matrix[p * 2 * frequencies + k] = share * (float) StrictMath.cos(angle);
                matrix[p * 2 * frequencies + frequencies + k] = share * (float) -StrictMath.sin(angle);
            }
        }
        return matrix;
    }

    private double angle(Frequency frequency, int pixel) {
        long turnsH = (long) frequency.f() * (pixel / gridW) % gridH;
        long turnsW = (long) frequency.g() * (pixel % gridW) % gridW;
        return 2 * Math.PI * ((double) turnsH / gridH + (double) turnsW / gridW);
    }

    // Vectors of unpaired frequencies are real.
    private float[] start(List<Frequency> grid, RandomStream random) {
        float[] x = new float[groups * columns * 2 * frequencies];
        for (int i = 0; i < x.length; i++) {
            int k = i % (2 * frequencies);
            float value = random.nextFloat() - 0.5f;
            x[i] = k >= frequencies && !grid.get(k - frequencies).paired() ? 0f : value;
        }
        for (int group = 0; group < groups; group++) {
            new Slice(group, 0, frequencies).normalise(x, new double[groups * frequencies], new double[groups * frequencies]);
        }
        return x;
    }

    private void run() {
        for (int k = 0;; k++) {
            float[] z = gram(basis[k]);
            int step = k;
            boolean last = k + 1 == basis.length;
            int chunks = (frequencies + CHUNK - 1) / CHUNK;
            device.workers().run(groups * chunks, (chunk, _) -> {
                int from = chunk % chunks * CHUNK;
                new Slice(chunk / chunks, from, Math.min(CHUNK, frequencies - from)).step(step, z, last);
            });
            if (last) {
                return;
            }
            basis[k + 1] = z;
        }
    }

    /// `SᴴS x` at every frequency, by way of images.
    private float[] gram(float[] x) {
        int rows = groups * columns;
        int pixels = gridH * gridW;
        product(x, toImages, planes, rows, pixels, 2 * frequencies);
        torus.apply(interleaved(), output);
        torus.applyTransposed(output, image);
        float[] z = new float[rows * 2 * frequencies];
        product(apart(), toFrequencies, z, rows, 2 * frequencies, pixels);
        return z;
    }

    private void product(float[] a, Storage b, float[] c, int m, int n, int k) {
        device.kernels().matrices().gemm(new GemmSizes(m, n, k, false, false), Storage.ofFloats(Shape.of(m, k), Layout.PLAIN, a), b, null,
                Storage.ofFloats(Shape.of(m, n), Layout.PLAIN, c), device.workspace());
    }

    // Planes of the stride's phases make up the images of their channels.
    private float[] interleaved() {
        if (image == planes) {
            return planes;
        }
        eachPixel((pixel, place) -> image[pixel] = planes[place]);
        return image;
    }

    private float[] apart() {
        if (image != planes) {
            eachPixel((pixel, place) -> planes[place] = image[pixel]);
        }
        return planes;
    }

    private interface Pixel {

        /// @param pixel index in `[c, h, w]`
        /// @param place index in `[c, phases, gridH, gridW]`
        void at(int pixel, int place);
    }

    private void eachPixel(Pixel body) {
        int h = gridH * strideH;
        int w = gridW * strideW;
        int channels = groups * columns / (strideH * strideW);
        for (int ic = 0; ic < channels; ic++) {
            for (int ih = 0; ih < h; ih++) {
                for (int iw = 0; iw < w; iw++) {
                    int phase = ih % strideH * strideW + iw % strideW;
                    int plane = ic * strideH * strideW + phase;
                    body.at((ic * h + ih) * w + iw, (plane * gridH + ih / strideH) * gridW + iw / strideW);
                }
            }
        }
    }

    /// The vectors of one group at `count` frequencies from `from` on.
    private final class Slice {

        private final int group;
        private final int from;
        private final int count;

        Slice(int group, int from, int count) {
            this.group = group;
            this.from = from;
            this.count = count;
        }

        /// Notes the elements of the tridiagonal matrices, and makes the next vectors of `z`.
        void step(int k, float[] z, boolean last) {
            float[] products = products(basis[k], z, false);
            for (int i = 0; i < count; i++) {
                d[k][group * frequencies + from + i] = products[i];
            }
            if (last) {
                return;
            }
            for (int earlier = k; earlier >= 0; earlier--) {
                orthogonalise(basis[earlier], z);
            }
            normalise(z, e[k], d[0]);
        }

        private int at(int row) {
            return (group * columns + row) * 2 * frequencies + from;
        }

        /// At every frequency the inner product of two vectors: its real part, or its imaginary one.
        private float[] products(float[] x, float[] z, boolean imaginary) {
            float[] sums = new float[count];
            for (int row = 0; row < columns; row++) {
                int re = at(row);
                int im = re + frequencies;
                if (imaginary) {
                    addProducts(sums, x, re, z, im);
                    subtractProducts(sums, x, im, z, re);
                } else {
                    addProducts(sums, x, re, z, re);
                    addProducts(sums, x, im, z, im);
                }
            }
            return sums;
        }

        private void orthogonalise(float[] x, float[] z) {
            float[] re = products(x, z, false);
            float[] im = products(x, z, true);
            int n = frequencies;
            for (int row = 0; row < columns; row++) {
                int at = at(row);
                for (int i = 0; i < count; i++) {
                    z[at + i] -= re[i] * x[at + i] - im[i] * x[at + n + i];
                    z[at + n + i] -= re[i] * x[at + n + i] + im[i] * x[at + i];
                }
            }
        }

        /// Divides by the lengths, and notes them; vectors of rounding errors, beside `whole`, become zero.
        private void normalise(float[] z, double[] lengths, double[] whole) {
            float[] squares = products(z, z, false);
            float[] factors = new float[count];
            for (int i = 0; i < count; i++) {
                int j = group * frequencies + from + i;
                double length = Math.sqrt(Math.max(0, squares[i]));
                lengths[j] = length > 1e-5 * whole[j] ? length : 0;
                factors[i] = lengths[j] > 0 ? (float) (1 / length) : 0f;
            }
            for (int row = 0; row < columns; row++) {
                int at = at(row);
                for (int i = 0; i < count; i++) {
                    z[at + i] *= factors[i];
                    z[at + frequencies + i] *= factors[i];
                }
            }
        }
    }

    private static void addProducts(float[] sums, float[] x, int at, float[] z, int to) {
        for (int k = 0; k < sums.length; k++) {
            sums[k] += x[at + k] * z[to + k];
        }
    }

    private static void subtractProducts(float[] sums, float[] x, int at, float[] z, int to) {
        for (int k = 0; k < sums.length; k++) {
            sums[k] -= x[at + k] * z[to + k];
        }
    }

    /// The largest singular values found, in the order of [Frequency#of].
    double[] values(int group) {
        double[] found = new double[frequencies];
        for (int k = 0; k < frequencies; k++) {
            double[] squares = new double[basis.length];
            found[k] = Math.sqrt(Math.max(0, squares[largest(group, k, squares, null)]));
        }
        return found;
    }

    /// Its right singular vector, interleaved: `[c/groups, phases]`.
    float[] right(int group, int frequency) {
        double[][] z = new double[basis.length][basis.length];
        for (int i = 0; i < z.length; i++) {
            z[i][i] = 1;
        }
        int best = largest(group, frequency, new double[basis.length], z);
        float[] vector = new float[2 * columns];
        for (int step = 0; step < basis.length; step++) {
            float share = (float) z[best][step];
            for (int column = 0; column < columns; column++) {
                int at = (group * columns + column) * 2 * frequencies + frequency;
                vector[2 * column] += share * basis[step][at];
                vector[2 * column + 1] += share * basis[step][at + frequencies];
            }
        }
        return vector;
    }

    private int largest(int group, int frequency, double[] values, double @Nullable [] @Nullable [] z) {
        double[] off = new double[basis.length];
        for (int i = 0; i < basis.length; i++) {
            values[i] = d[i][group * frequencies + frequency];
            off[i] = e[i][group * frequencies + frequency];
        }
        off[basis.length - 1] = 0;
        HermitianEigen.implicitQl(values, off, z);
        int best = 0;
        for (int i = 1; i < basis.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
