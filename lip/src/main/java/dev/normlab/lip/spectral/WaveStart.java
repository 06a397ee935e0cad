package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.lip.spectral.HermitianLanczos.Complex;
import dev.normlab.lip.spectral.SymbolGram.Right;
import dev.normlab.lip.spectral.SymbolGram.WaveVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// A start for Lanczos on a zero-padded convolution: the plane wave that the layer without borders amplifies most, faded out towards the
/// borders.
///
/// On an image much larger than the kernel the largest singular vector is nearly `v·exp(iω·p)·sin(π(p + 1)/(n + 1))`, with `v` the first
/// right singular vector of the layer's matrix at the frequency `ω` where its largest singular value is largest. That frequency is looked
/// for on a coarse grid and around its peaks, by a few Lanczos steps at each frequency ([SymbolGram]). A wave that fades out is a mixture
/// of the four frequencies `ω ± π/(n + 1)`: the start has the singular vector of each, and their values say what the borders cost, since
/// on a small image a flat maximum wins over a slightly higher, sharp one. From this start two or three steps with the layer reach what
/// takes dozens from a random one. A little noise is added, so that no singular vector is orthogonal to the start.
final class WaveStart {

    // Frequencies along an axis for each pixel that the kernel extends, and at most: values change slowly between them.
    private static final int DENSITY = 8;
    private static final int MOST_FREQUENCIES = 12;
    private static final int COARSE_STEPS = 16;
    private static final int FINE_STEPS = 12;
    private static final int REFINED_STEPS = 10;
    private static final int NEAR_STEPS = 6;
    private static final int LAST_STEPS = 6;
    private static final int PASSES = 3;
    private static final int CORNERS = 4;
    private static final int CORNER_STEPS = 6;
    private static final int CANDIDATES = 8;
    private static final int FINALISTS = 3;
    // Of the distance of two frequencies, rounding included.
    private static final double HALF = 0.501;
    // Pixels of an image for each that the kernel extends, so that waves describe the layer well.
    private static final int SPACE = 6;
    private static final float NOISE = 0.01f;
    // Frequencies that a thread takes at once.
    private static final int PART = 3;
    // Channels of an image that a thread makes at once.
    private static final int STRIP = 16;

    // Steps of [row, column] whose values determine a quadratic function with that in the middle.
    private static final int[][] MOVES = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}};

    private final Conv2dSizes s;
    private final Device device;
    private final int gridH;
    private final int gridW;

    /// A wave of one group and what it is amplified by.
    ///
    /// @param loss    how much less that is on the image, whose borders make a wave a mixture of frequencies; 0 while it is not known
    /// @param corners the singular vectors of those frequencies; none while they are not known
    private record Wave(int group, WaveVector at, Right right, double loss, List<Right> corners) {

        double value() {
            return right.value();
        }

        double onTheImage() {
            return value() - loss;
        }

        Wave losing(double loss) {
            return new Wave(group, at, right, loss, corners);
        }
    }

    private WaveStart(Conv2dSizes s, Device device) {
        this.s = s;
        this.device = device;
        this.gridH = frequencies(s.kh(), s.strideH());
        this.gridW = frequencies(s.kw(), s.strideW());
    }

    private static int frequencies(int taps, int stride) {
        int extent = (taps - 1 + stride - 1) / stride;
        return Math.max(extent + 1, Math.min(MOST_FREQUENCIES, DENSITY * extent));
    }

    /// Whether the image is so large that waves describe the layer, and the layer so large that the search is worth it. (A dilated layer is
    /// several layers on interleaved smaller images.)
    static boolean suits(Conv2dSizes s) {
        return s.groups() <= 4 && s.dilationH() == 1 && s.dilationW() == 1 && roomy(s.oh(), s.kh(), s.strideH())
                && roomy(s.ow(), s.kw(), s.strideW()) && s.kh() * s.kw() <= 49
                && (long) s.outputShape().elements() * s.groupInputs() * s.kh() * s.kw() >= 1L << 24;
    }

    private static boolean roomy(int outputs, int taps, int stride) {
        return outputs >= 12 && outputs * stride >= SPACE * (taps - 1);
    }

    /// Makes the start, pixel by pixel in row-major order `[c, h, w]`.
    ///
    /// @param weight row-major; not copied
    /// @param image  at least as long as the start, overwritten
    static void fill(Conv2dSizes s, Storage weight, RandomStream random, Device device, float[] image) {
        new WaveStart(s, device).search(live(s, weight), random, image);
    }

    private static Storage live(Conv2dSizes s, Storage weight) {
        return LiveTaps.areAll(s) ? weight : Storage.ofFloats(s.weightShape(), Layout.PLAIN, LiveTaps.of(s, weight.floats()));
    }

    private void search(Storage weight, RandomStream random, float[] image) {
        List<SymbolGram> symbols = new ArrayList<>();
        try {
            addSymbols(symbols, weight.floats());
            Right[][] grid = coarse(symbols, random);
            Peak[] peaks = peaks(grid);
            Wave[] candidates = new Wave[Math.min(CANDIDATES, peaks.length)];
            device.workers().run(candidates.length, (chunk, worker) -> {
                Peak peak = peaks[chunk];
                candidates[chunk] = waves(symbols, peak.group, grid[peak.group][peak.frequency].vector(), FINE_STEPS, worker, peak.at)[0]
                        .losing(peak.loss);
            });
            Wave[] finalists = best(candidates, FINALISTS);
            refine(symbols, finalists);
            device.workers().run(finalists.length,
                    (chunk, worker) -> finalists[chunk] = faded(symbols, again(symbols, finalists[chunk], worker), worker));
            paint(symbols, best(finalists, 1)[0], random, image);
        } finally {
            symbols.forEach(SymbolGram::close);
        }
    }

    private void addSymbols(List<SymbolGram> symbols, float[] weight) {
        // large enough that no tap goes around
        CircularConvolution torus = new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), gridH * s.strideH(),
                gridW * s.strideW(), s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
        for (int group = 0; group < s.groups(); group++) {
            symbols.add(new SymbolGram(torus, weight, group, device));
        }
    }

    // [groups, frequencies], all from one vector
    private Right[][] coarse(List<SymbolGram> symbols, RandomStream random) {
        int columns = symbols.getFirst().columns();
        float[] re = new float[columns];
        float[] im = new float[columns];
        random.fillNormal(re, 0, 1);
        random.fillNormal(im, 0, 1);
        Complex start = new Complex(re, im);
        List<Frequency> grid = Frequency.of(gridH, gridW);
        int parts = parts(grid.size());
        Right[][] found = new Right[symbols.size()][grid.size()];
        device.workers().run(symbols.size() * parts, (chunk, worker) -> {
            int group = chunk / parts;
            int from = chunk % parts * PART;
            WaveVector[] at = grid.subList(from, Math.min(grid.size(), from + PART)).stream()
                    .map(frequency -> new WaveVector(2 * Math.PI * frequency.f() / gridH, 2 * Math.PI * frequency.g() / gridW))
                    .toArray(WaveVector[]::new);
            Right[] some = symbols.get(group).run(start, COARSE_STEPS, worker, at);
            System.arraycopy(some, 0, found[group], from, some.length);
        });
        return found;
    }

    private static int parts(int frequencies) {
        return (frequencies + PART - 1) / PART;
    }

    /// A frequency of the grid that is amplified more than those around it.
    ///
    /// @param loss what its curvature costs on the image
    private record Peak(int group, int frequency, WaveVector at, double value, double loss) {}

    /// The vertex of a parabola through the values at three frequencies.
    ///
    /// @param move  from the middle one, at most to its neighbours
    /// @param rise  above the value in the middle
    /// @param curve minus the second derivative; 0 where there is no maximum
    private record Vertex(double move, double rise, double curve) {

        static Vertex of(double below, double middle, double above, double distance) {
            double bend = 2 * middle - above - below;
            if (!(bend > 0)) {
                return new Vertex(0, 0, 0);
            }
            double part = Math.clamp((above - below) / (2 * bend), -1.0, 1.0);
            return new Vertex(part * distance, (above - below) * part / 2 - bend * part * part / 2, bend / (distance * distance));
        }

        /// The same without a move if that is too far: the vertex belongs to a neighbour.
        Vertex ifWithin(double most) {
            return Math.abs(move) <= most ? this : new Vertex(0, 0, curve);
        }

        /// What a wave loses at the borders of an image: faded out along `n` positions it is a mixture of frequencies `π/(n + 1)` away.
        double loss(int n) {
            double spread = Math.PI / (n + 1);
            return curve * spread * spread / 2;
        }
    }

    /// The frequencies of the grid whose values, up to the vertices of parabolas along both axes, are not below those around them. (Without
    /// the parabolas a maximum half-way between two of its lines would be lost beside a ridge along a line.)
    private Peak[] peaks(Right[][] found) {
        List<Frequency> grid = Frequency.of(gridH, gridW);
        int[] index = new int[gridH * gridW];
        for (int k = 0; k < grid.size(); k++) {
            Frequency at = grid.get(k);
            index[at.f() * gridW + at.g()] = k;
            index[(gridH - at.f()) % gridH * gridW + (gridW - at.g()) % gridW] = k;
        }
        List<Peak> peaks = new ArrayList<>();
        for (int group = 0; group < found.length; group++) {
            double[] values = Arrays.stream(found[group]).mapToDouble(Right::value).toArray();
            Peak[] all = new Peak[grid.size()];
            for (int k = 0; k < all.length; k++) {
                all[k] = peak(group, k, grid.get(k), values, index);
            }
            for (int k = 0; k < all.length; k++) {
                Frequency at = grid.get(k);
                double highest = Double.NEGATIVE_INFINITY;
                for (int df = -1; df <= 1; df++) {
                    for (int dg = -1; dg <= 1; dg++) {
                        int other = index[(at.f() + df + gridH) % gridH * gridW + (at.g() + dg + gridW) % gridW];
                        highest = other == k ? highest : Math.max(highest, all[other].value);
                    }
                }
                if (all[k].value >= highest) {
                    peaks.add(all[k]);
                }
            }
        }
        return peaks.stream().sorted(Comparator.comparingDouble((Peak peak) -> peak.loss - peak.value)).toArray(Peak[]::new);
    }

    private Peak peak(int group, int k, Frequency at, double[] values, int[] index) {
        double distanceH = 2 * Math.PI / gridH;
        double distanceW = 2 * Math.PI / gridW;
        Vertex h = Vertex.of(values[index[(at.f() + gridH - 1) % gridH * gridW + at.g()]], values[k],
                values[index[(at.f() + 1) % gridH * gridW + at.g()]], distanceH).ifWithin(HALF * distanceH);
        Vertex w = Vertex.of(values[index[at.f() * gridW + (at.g() + gridW - 1) % gridW]], values[k],
                values[index[at.f() * gridW + (at.g() + 1) % gridW]], distanceW).ifWithin(HALF * distanceW);
        return new Peak(group, k, new WaveVector(at.f() * distanceH + h.move, at.g() * distanceW + w.move), values[k] + h.rise + w.rise,
                h.loss(s.oh()) + w.loss(s.ow()));
    }

    private static Wave[] best(Wave[] waves, int count) {
        return IntStream.range(0, waves.length).boxed().sorted(Comparator.comparingDouble((Integer i) -> -waves[i].onTheImage()))
                .limit(count).map(i -> waves[i]).toArray(Wave[]::new);
    }

    private static Wave[] waves(List<SymbolGram> symbols, int group, Complex start, int steps, int worker, WaveVector... at) {
        Right[] found = symbols.get(group).run(start, steps, worker, at);
        Wave[] waves = new Wave[at.length];
        Arrays.setAll(waves, i -> new Wave(group, at[i], found[i], 0, List.of()));
        return waves;
    }

    private static Wave again(List<SymbolGram> symbols, Wave wave, int worker) {
        return waves(symbols, wave.group, wave.right.vector(), LAST_STEPS, worker, wave.at)[0];
    }

    /// Moves waves to the maximum of a quadratic function through seven frequencies, and again through nearer ones: ridges often run
    /// across both axes.
    private void refine(List<SymbolGram> symbols, Wave[] waves) {
        int parts = parts(MOVES.length);
        for (int pass = 0; pass < PASSES; pass++) {
            double h = 2 * Math.PI / (3 * gridH << pass);
            double w = 2 * Math.PI / (3 * gridW << pass);
            int steps = pass == 0 ? REFINED_STEPS : NEAR_STEPS;
            Wave[][] around = new Wave[waves.length][MOVES.length];
            device.workers().run(waves.length * parts, (chunk, worker) -> {
                Wave wave = waves[chunk / parts];
                int from = chunk % parts * PART;
                WaveVector[] at = new WaveVector[Math.min(PART, MOVES.length - from)];
                Arrays.setAll(at, i -> wave.at.moved(MOVES[from + i][0] * h, MOVES[from + i][1] * w));
                System.arraycopy(waves(symbols, wave.group, wave.right.vector(), steps, worker, at), 0, around[chunk / parts], from,
                        at.length);
            });
            device.workers().run(waves.length, (chunk, worker) -> {
                Wave wave = waves[chunk];
                double[] step = summit(wave.value(), Arrays.stream(around[chunk]).mapToDouble(Wave::value).toArray());
                Wave top = waves(symbols, wave.group, wave.right.vector(), steps, worker, wave.at.moved(step[0] * h, step[1] * w))[0];
                waves[chunk] = Stream.concat(Stream.of(wave), Stream.concat(Arrays.stream(around[chunk]), Stream.of(top)))
                        .max(Comparator.comparingDouble(Wave::value)).orElseThrow();
            });
        }
    }

    /// Where the quadratic function has its maximum, in steps of [row, column] and at most two of each; where it has none, by each axis for
    /// itself.
    ///
    /// @param around its values after [#MOVES]
    private static double[] summit(double middle, double[] around) {
        double slopeX = (around[0] - around[1]) / 2;
        double slopeY = (around[2] - around[3]) / 2;
        double bendX = 2 * middle - around[0] - around[1];
        double bendY = 2 * middle - around[2] - around[3];
        double twist = (2 * middle + around[4] + around[5] - around[0] - around[1] - around[2] - around[3]) / 2;
        double determinant = bendX * bendY - twist * twist;
        double x;
        double y;
        if (bendX > 0 && determinant > 0) {
            x = (slopeX * bendY + slopeY * twist) / determinant;
            y = (slopeY * bendX + slopeX * twist) / determinant;
        } else {
            x = bendX > 0 ? slopeX / bendX : Math.signum(slopeX);
            y = bendY > 0 ? slopeY / bendY : Math.signum(slopeY);
        }
        double most = Math.max(1, Math.max(Math.abs(x), Math.abs(y)) / 2);
        return new double[] {x / most, y / most};
    }

    /// The wave with noise upon it, `[c, h, w]`.
    private void paint(List<SymbolGram> symbols, Wave wave, RandomStream random, float[] image) {
        int length = s.inputShape().elements();
        Arrays.fill(image, 0, length, 0f);
        add(symbols.get(wave.group), wave, image);
        double square = 0;
        for (int i = 0; i < length; i++) {
            square += (double) image[i] * image[i];
        }
        float noise = (float) (NOISE * Math.sqrt(12 * square / length));
        for (int i = 0; i < length; i++) {
            image[i] += noise * (random.nextFloat() - 0.5f);
        }
    }

    /// Adds `Re ¼ Σ v(ω')·exp(iω·(p - m) + i(ω' - ω)·(p - c))` over the four frequencies `ω' = ω ± π/(n + 1)` that the window is made
    /// of, with `v` of length 1 and `m` and `c` the middle of the image, to a pixel and exactly.
    private void add(SymbolGram symbol, Wave wave, float[] image) {
        float[] v = turned(unit(symbol.inputs(wave.right, wave.at)));
        for (int corner = 0; corner < CORNERS; corner++) {
            double df = cornerF(corner);
            double dg = cornerG(corner);
            add(aligned(v, unit(symbol.inputs(wave.corners.get(corner), wave.at.moved(df, dg)))), wave, df, dg, image);
        }
    }

    private double cornerF(int corner) {
        return (corner < 2 ? 1 : -1) * Math.PI * s.strideH() / (s.h() + 1);
    }

    private double cornerG(int corner) {
        return (corner % 2 == 0 ? 1 : -1) * Math.PI * s.strideW() / (s.w() + 1);
    }

    /// The wave as the mixture of four frequencies that it is on the image, where it is amplified by the root of their mean square.
    private Wave faded(List<SymbolGram> symbols, Wave wave, int worker) {
        WaveVector[] at = new WaveVector[CORNERS];
        Arrays.setAll(at, corner -> wave.at.moved(cornerF(corner), cornerG(corner)));
        List<Right> corners = List.of(symbols.get(wave.group).run(wave.right.vector(), CORNER_STEPS, worker, at));
        double squares = corners.stream().mapToDouble(right -> right.value() * right.value()).sum() / CORNERS;
        return new Wave(wave.group, wave.at, wave.right, wave.value() - Math.sqrt(squares), corners);
    }

    private void add(float[] v, Wave wave, double df, double dg, float[] image) {
        int phases = s.strideH() * s.strideW();
        int area = s.h() * s.w();
        float[] cos = new float[area];
        float[] sin = new float[area];
        int[] phase = new int[area];
        int middleRow = (s.h() / 2 + s.padTop()) / s.strideH();
        int middleColumn = (s.w() / 2 + s.padLeft()) / s.strideW();
        double centreRow = ((s.h() - 1) / 2.0 + s.padTop() - (s.strideH() - 1) / 2.0) / s.strideH();
        double centreColumn = ((s.w() - 1) / 2.0 + s.padLeft() - (s.strideW() - 1) / 2.0) / s.strideW();
        for (int p = 0; p < area; p++) {
            int row = p / s.w() + s.padTop();
            int column = p % s.w() + s.padLeft();
            int y = row / s.strideH();
            int x = column / s.strideW();
            double angle = wave.at.f() * (y - middleRow) + df * (y - centreRow) + wave.at.g() * (x - middleColumn)
                    + dg * (x - centreColumn);
            cos[p] = (float) (StrictMath.cos(angle) / 4);
            sin[p] = (float) (StrictMath.sin(angle) / 4);
            phase[p] = row % s.strideH() * s.strideW() + column % s.strideW();
        }
        int strips = (s.groupInputs() + STRIP - 1) / STRIP;
        device.workers().run(strips, (strip, _) -> {
            for (int ic = strip * STRIP; ic < Math.min(s.groupInputs(), (strip + 1) * STRIP); ic++) {
                int to = (wave.group * s.groupInputs() + ic) * area;
                for (int p = 0; p < area; p++) {
                    int j = 2 * (ic * phases + phase[p]);
                    image[to + p] += v[j] * cos[p] - v[j + 1] * sin[p];
                }
            }
        });
    }

    /// A vector divided by its length; zero stays zero.
    private static float[] unit(float[] v) {
        double square = 0;
        for (float value : v) {
            square += (double) value * value;
        }
        return times(v, square > 0 ? 1 / Math.sqrt(square) : 0, 0);
    }

    /// A vector times the number of magnitude 1 that makes its inner product with `v` positive.
    private static float[] aligned(float[] v, float[] other) {
        double re = 0;
        double im = 0;
        for (int i = 0; i < v.length; i += 2) {
            re += (double) v[i] * other[i] + (double) v[i + 1] * other[i + 1];
            im += (double) v[i] * other[i + 1] - (double) v[i + 1] * other[i];
        }
        double length = StrictMath.hypot(re, im);
        return length > 0 ? times(other, re / length, -im / length) : other;
    }

    /// A vector, interleaved, times `re + i·im`.
    private static float[] times(float[] v, double re, double im) {
        float[] product = new float[v.length];
        for (int i = 0; i < v.length; i += 2) {
            product[i] = (float) (re * v[i] - im * v[i + 1]);
            product[i + 1] = (float) (re * v[i + 1] + im * v[i]);
        }
        return product;
    }

    /// The vector times the number of magnitude 1 that makes `Σ v²` real and positive, and the real part of `v` as long as it can be.
    ///
    /// Singular vectors are determined up to such a number. A wave whose `ω` is a multiple of π, or so near to one that it hardly differs
    /// on the image, shows only the real part of `v`, which might be short, and faint beside the noise.
    ///
    /// @param v interleaved
    static float[] turned(float[] v) {
        double re = 0;
        double im = 0;
        for (int i = 0; i < v.length; i += 2) {
            re += (double) v[i] * v[i] - (double) v[i + 1] * v[i + 1];
            im += 2.0 * v[i] * v[i + 1];
        }
        double angle = -StrictMath.atan2(im, re) / 2;
        return times(v, StrictMath.cos(angle), StrictMath.sin(angle));
    }
}
