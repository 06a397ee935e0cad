package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// A start for Lanczos on a zero-padded convolution: the plane wave that the layer without borders amplifies most, faded out towards the
/// borders.
///
/// On an image much larger than the kernel the largest singular vector is nearly `v·exp(iω·p)·sin(π(p + 1)/(n + 1))`, with `v` the first
/// right singular vector of the layer's matrix at the frequency `ω` where its largest singular value is largest. That frequency is looked
/// for on a coarse grid, by a few Lanczos steps at all of its frequencies together ([TorusLanczos]), and around the peaks of the grid one
/// by one ([SymbolLanczos]). Parabolas lead to the maxima, and their curvature says what the borders cost: on a small image a flat maximum
/// wins over a slightly higher, sharp one. Two waves that cannot be told apart start together. From this start a few steps with the layer
/// reach what takes dozens from a random one. A little noise is added, so that no singular vector is orthogonal to the start.
final class WaveStart {

    // Frequencies along an axis for each pixel that the kernel extends, and at most: values change slowly between them.
    private static final int DENSITY = 6;
    private static final int MOST_FREQUENCIES = 12;
    private static final int COARSE_STEPS = 8;
    private static final int FINE_STEPS = 14;
    private static final int REFINED_STEPS = 4;
    private static final int LAST_STEPS = 10;
    private static final int CANDIDATES = 6;
    private static final int FINALISTS = 4;
    private static final int RIVALS = 2;
    // Of the distance of two frequencies, rounding included.
    private static final double HALF = 0.501;
    // Waves that are amplified alike to this share may win or lose by what the search neglects.
    private static final double INDISTINCT = 0.002;
    // Pixels of an image for each that the kernel extends, so that waves describe the layer well.
    private static final int SPACE = 6;
    private static final float NOISE = 0.01f;

    private final Conv2dSizes s;
    private final Device device;
    private final int gridH;
    private final int gridW;

    /// A wave of one group and what it is amplified by.
    ///
    /// @param loss how much less that is on the image, whose borders make a wave a mixture of frequencies; 0 while it is not known
    private record Wave(int group, double f, double g, SymbolLanczos.Triple triple, double loss) {

        double value() {
            return triple.value();
        }

        double onTheImage() {
            return value() - loss;
        }

        Wave losing(double loss) {
            return new Wave(group, f, g, triple, loss);
        }

        /// Whether another wave of the group, or its mirror image, is as near as its neighbours on the grid.
        boolean isNear(Wave other, double distanceH, double distanceW) {
            boolean same = apart(f - other.f) < distanceH && apart(g - other.g) < distanceW;
            boolean mirrored = apart(f + other.f) < distanceH && apart(g + other.g) < distanceW;
            return group == other.group && (same || mirrored);
        }

        /// The distance of an angle from the nearest multiple of 2π.
        private static double apart(double angle) {
            return Math.abs(StrictMath.IEEEremainder(angle, 2 * Math.PI));
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

    /// The start, pixel by pixel in row-major order `[c, h, w]`.
    ///
    /// @param weight row-major; not copied
    static float[] of(Conv2dSizes s, Storage weight, RandomStream random, Device device) {
        return new WaveStart(s, device).search(live(s, weight), random);
    }

    private static Storage live(Conv2dSizes s, Storage weight) {
        return LiveTaps.areAll(s) ? weight : Storage.ofFloats(s.weightShape(), Layout.PLAIN, LiveTaps.of(s, weight.floats()));
    }

    private float[] search(Storage weight, RandomStream random) {
        Workers workers = device.workers();
        TorusLanczos lanczos = new TorusLanczos(s, weight, gridH, gridW, COARSE_STEPS, random, device);
        double[][] values = new double[s.groups()][];
        for (int group = 0; group < s.groups(); group++) {
            values[group] = lanczos.values(group);
        }
        Peak[] peaks = peaks(values);
        List<SymbolLanczos> symbols = new ArrayList<>();
        try {
            addSymbols(symbols, weight.floats());
            Wave[] candidates = new Wave[Math.min(CANDIDATES, peaks.length)];
            workers.run(candidates.length, (chunk, worker) -> {
                Peak peak = peaks[chunk];
                float[] right = lanczos.right(peak.group, peak.frequency);
                candidates[chunk] = new Wave(peak.group, peak.f, peak.g,
                        symbols.get(peak.group).at(peak.f, peak.g, worker).fromInputs(right, FINE_STEPS), peak.loss);
            });
            Wave[] finalists = best(candidates, FINALISTS);
            double distanceH = 2 * Math.PI / (3 * gridH);
            double distanceW = 2 * Math.PI / (3 * gridW);
            workers.run(finalists.length, (chunk, worker) -> finalists[chunk] = again(symbols,
                    refined(symbols, finalists[chunk], distanceH, distanceW, worker), LAST_STEPS, worker));
            return image(symbols, different(best(finalists, FINALISTS), 3 * distanceH / 2, 3 * distanceW / 2), random);
        } finally {
            symbols.forEach(SymbolLanczos::close);
        }
    }

    private void addSymbols(List<SymbolLanczos> symbols, float[] weight) {
        // large enough that no tap goes around
        CircularConvolution torus = new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), gridH * s.strideH(),
                gridW * s.strideW(), s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
        for (int group = 0; group < s.groups(); group++) {
            symbols.add(new SymbolLanczos(torus, weight, group, device));
        }
    }

    /// A frequency of the grid that is amplified more than those around it.
    ///
    /// @param loss what its curvature costs on the image
    private record Peak(int group, int frequency, double f, double g, double value, double loss) {}

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
    private Peak[] peaks(double[][] values) {
        List<Frequency> grid = Frequency.of(gridH, gridW);
        int[] index = new int[gridH * gridW];
        for (int k = 0; k < grid.size(); k++) {
            Frequency at = grid.get(k);
            index[at.f() * gridW + at.g()] = k;
            index[(gridH - at.f()) % gridH * gridW + (gridW - at.g()) % gridW] = k;
        }
        List<Peak> peaks = new ArrayList<>();
        for (int group = 0; group < values.length; group++) {
            Peak[] all = new Peak[grid.size()];
            for (int k = 0; k < all.length; k++) {
                all[k] = peak(group, k, grid.get(k), values[group], index);
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
        return new Peak(group, k, at.f() * distanceH + h.move, at.g() * distanceW + w.move, values[k] + h.rise + w.rise,
                h.loss(s.oh()) + w.loss(s.ow()));
    }

    /// The best wave and the best others that are not the same, [#RIVALS] in all: neighbouring frequencies climb to one maximum, and real
    /// weights amplify a wave and its mirror image alike. Added to each other, with phases of their own, two that are the same could
    /// cancel.
    private static List<Wave> different(Wave[] sorted, double distanceH, double distanceW) {
        List<Wave> different = new ArrayList<>();
        for (Wave wave : sorted) {
            if (different.size() < RIVALS && different.stream().noneMatch(other -> other.isNear(wave, distanceH, distanceW))) {
                different.add(wave);
            }
        }
        return different;
    }

    private static Wave[] best(Wave[] waves, int count) {
        return IntStream.range(0, waves.length).boxed().sorted(Comparator.comparingDouble((Integer i) -> -waves[i].onTheImage()))
                .limit(count).map(i -> waves[i]).toArray(Wave[]::new);
    }

    private static Wave wave(List<SymbolLanczos> symbols, int group, double f, double g, float[] start, int steps, int worker) {
        return new Wave(group, f, g, symbols.get(group).at(f, g, worker).run(start, steps), 0);
    }

    private static Wave again(List<SymbolLanczos> symbols, Wave wave, int steps, int worker) {
        return wave(symbols, wave.group, wave.f, wave.g, wave.triple.right(), steps, worker).losing(wave.loss);
    }

    /// Moves a wave to the maximum of a parabola through three frequencies, along one axis and then the other.
    private Wave refined(List<SymbolLanczos> symbols, Wave wave, double distanceH, double distanceW, int worker) {
        Wave best = wave.losing(0);
        double loss = 0;
        for (int axis = 0; axis < 2; axis++) {
            double df = axis == 0 ? distanceH : 0;
            double dg = axis == 1 ? distanceW : 0;
            Wave above = moved(symbols, best, df, dg, worker);
            Wave below = moved(symbols, best, -df, -dg, worker);
            Vertex vertex = Vertex.of(below.value(), best.value(), above.value(), axis == 0 ? distanceH : distanceW);
            loss += vertex.loss(axis == 0 ? s.oh() : s.ow());
            Wave there = vertex.curve > 0
                    ? moved(symbols, best, axis == 0 ? vertex.move : 0, axis == 1 ? vertex.move : 0, worker)
                    : best;
            best = best(new Wave[] {there, above, below, best}, 1)[0];
        }
        return best.losing(loss);
    }

    private static Wave moved(List<SymbolLanczos> symbols, Wave wave, double df, double dg, int worker) {
        return wave(symbols, wave.group, wave.f + df, wave.g + dg, wave.triple.right(), REFINED_STEPS, worker);
    }

    /// The best wave, upon it others that can hardly be told from it, and noise.
    private float[] image(List<SymbolLanczos> symbols, List<Wave> waves, RandomStream random) {
        float[] image = new float[s.inputShape().elements()];
        for (Wave wave : waves) {
            if (wave.onTheImage() >= (1 - INDISTINCT) * waves.getFirst().onTheImage()) {
                add(symbols.get(wave.group), wave, image);
            }
        }
        double square = 0;
        for (float value : image) {
            square += (double) value * value;
        }
        float noise = (float) (NOISE * Math.sqrt(12 * square / image.length));
        for (int i = 0; i < image.length; i++) {
            image[i] += noise * (random.nextFloat() - 0.5f);
        }
        return image;
    }

    /// Adds `Re(v·exp(iω·(p - m)))` times the window, with `v` of length 1, [#turned], and `m` the middle of the image.
    private void add(SymbolLanczos symbol, Wave wave, float[] image) {
        float[] v = turned(symbol.inputVector(wave.triple));
        double square = 0;
        for (float value : v) {
            square += (double) value * value;
        }
        double scale = square > 0 ? 1 / Math.sqrt(square) : 0;
        int phases = s.strideH() * s.strideW();
        int area = s.h() * s.w();
        float[] cos = new float[area];
        float[] sin = new float[area];
        int[] phase = new int[area];
        int middleRow = (s.h() / 2 + s.padTop()) / s.strideH();
        int middleColumn = (s.w() / 2 + s.padLeft()) / s.strideW();
        for (int p = 0; p < area; p++) {
            int row = p / s.w() + s.padTop();
            int column = p % s.w() + s.padLeft();
            double angle = wave.f * (row / s.strideH() - middleRow) + wave.g * (column / s.strideW() - middleColumn);
            double window = scale * StrictMath.sin(Math.PI * (p / s.w() + 1) / (s.h() + 1))
                    * StrictMath.sin(Math.PI * (p % s.w() + 1) / (s.w() + 1));
            cos[p] = (float) (window * StrictMath.cos(angle));
            sin[p] = (float) (window * StrictMath.sin(angle));
            phase[p] = row % s.strideH() * s.strideW() + column % s.strideW();
        }
        for (int ic = 0; ic < s.groupInputs(); ic++) {
            int to = (wave.group * s.groupInputs() + ic) * area;
            for (int p = 0; p < area; p++) {
                int j = 2 * (ic * phases + phase[p]);
                image[to + p] += v[j] * cos[p] - v[j + 1] * sin[p];
            }
        }
    }

    /// The vector times the number of magnitude 1 that makes `Σ v²` real and positive, and the real part of `v` as long as it can be.
    ///
    /// Singular vectors are determined up to such a number. A wave whose `ω` is a multiple of π, or so near to one that it hardly differs
    /// on the image, shows only the real part of `v`, which might be short, and faint beside another wave and the noise.
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
        double cos = StrictMath.cos(angle);
        double sin = StrictMath.sin(angle);
        float[] turned = new float[v.length];
        for (int i = 0; i < v.length; i += 2) {
            turned[i] = (float) (cos * v[i] - sin * v[i + 1]);
            turned[i + 1] = (float) (sin * v[i] + cos * v[i + 1]);
        }
        return turned;
    }
}
