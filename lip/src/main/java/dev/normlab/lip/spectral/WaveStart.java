package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.tensor.RandomStream;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// A start for Lanczos on a zero-padded convolution: the plane wave that the layer without borders amplifies most, faded out towards the
/// borders.
///
/// On an image much larger than the kernel the largest singular vector is nearly `v·exp(iω·p)·sin(π(p + 1)/(n + 1))`, with `v` the first
/// right singular vector of the layer's matrix at the frequency `ω` where its largest singular value is largest. That frequency is looked
/// for on a coarse grid by a few Lanczos steps at each of its frequencies, and from the best ones by parabolas. From this start a few steps
/// with the layer reach what takes dozens from a random one. A little noise is added, so that no singular vector is orthogonal to the
/// start.
final class WaveStart {

    // Frequencies along an axis for each pixel that the kernel extends: values change slowly between them.
    private static final int DENSITY = 4;
    private static final int MOST_FREQUENCIES = 32;
    private static final int COARSE_STEPS = 6;
    private static final int FINE_STEPS = 14;
    private static final int REFINED_STEPS = 4;
    private static final int CANDIDATES = 8;
    private static final int FINALISTS = 4;
    private static final float NOISE = 0.01f;

    private final Conv2dSizes s;
    private final CircularConvolution torus;

    /// A wave of one group and what it is amplified by.
    private record Wave(int group, double f, double g, SymbolLanczos.Triple triple) {

        double value() {
            return triple.value();
        }
    }

    private WaveStart(Conv2dSizes s) {
        this.s = s;
        // large enough that no tap goes around
        this.torus = new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), size(s.kh(), s.dilationH(), s.strideH()),
                size(s.kw(), s.dilationW(), s.strideW()), s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
    }

    /// A torus so large that no tap goes around, with as many frequencies as are looked at.
    private static int size(int taps, int dilation, int stride) {
        int extent = ((taps - 1) * dilation + stride - 1) / stride;
        return stride * Math.max(extent + 1, Math.min(MOST_FREQUENCIES, DENSITY * extent));
    }

    /// Whether the image is so large that waves describe the layer, and the layer so large that the search is worth it. (A dilated layer is
    /// several layers on interleaved smaller images.)
    static boolean suits(Conv2dSizes s) {
        return s.groups() <= 4 && s.dilationH() == 1 && s.dilationW() == 1 && s.oh() >= 12 && s.ow() >= 12 && s.kh() * s.kw() <= 49
                && (long) s.outputShape().elements() * s.groupInputs() * s.kh() * s.kw() >= 1L << 24;
    }

    /// The start, pixel by pixel in row-major order `[c, h, w]`.
    static float[] of(Conv2dSizes s, float[] weight, RandomStream random, Workers workers) {
        return new WaveStart(s).search(LiveTaps.of(s, weight), random, workers);
    }

    private float[] search(float[] weight, RandomStream random, Workers workers) {
        SymbolLanczos[] symbols = new SymbolLanczos[s.groups()];
        for (int group = 0; group < symbols.length; group++) {
            symbols[group] = new SymbolLanczos(torus, weight, group, workers);
        }
        float[] start = new float[2 * symbols[0].columns()];
        for (int i = 0; i < start.length; i++) {
            start[i] = random.nextFloat() - 0.5f;
        }
        int gridH = torus.outputRows();
        int gridW = torus.outputColumns();
        List<Frequency> grid = Frequency.of(gridH, gridW);
        Wave[] coarse = new Wave[grid.size() * symbols.length];
        workers.run(coarse.length, (chunk, _) -> {
            Frequency frequency = grid.get(chunk % grid.size());
            coarse[chunk] = wave(symbols, chunk / grid.size(), 2 * Math.PI * frequency.f() / gridH, 2 * Math.PI * frequency.g() / gridW,
                    start,
                    COARSE_STEPS);
        });
        Wave[] candidates = best(coarse, CANDIDATES);
        workers.run(candidates.length, (chunk, _) -> candidates[chunk] = again(symbols, candidates[chunk], FINE_STEPS));
        Wave[] finalists = best(candidates, FINALISTS);
        double distanceH = Math.PI / gridH;
        double distanceW = Math.PI / gridW;
        workers.run(finalists.length, (chunk, _) -> finalists[chunk] = refined(symbols, finalists[chunk], distanceH, distanceW));
        Wave best = again(symbols, refined(symbols, best(finalists, 1)[0], distanceH / 3, distanceW / 3), FINE_STEPS);
        return image(symbols[best.group], best, random);
    }

    private static Wave[] best(Wave[] waves, int count) {
        return IntStream.range(0, waves.length).boxed().sorted(Comparator.comparingDouble((Integer i) -> -waves[i].value()))
                .limit(count).map(i -> waves[i]).toArray(Wave[]::new);
    }

    private static Wave wave(SymbolLanczos[] symbols, int group, double f, double g, float[] start, int steps) {
        return new Wave(group, f, g, symbols[group].at(f, g).run(start, steps));
    }

    private static Wave again(SymbolLanczos[] symbols, Wave wave, int steps) {
        return wave(symbols, wave.group, wave.f, wave.g, wave.triple.right(), steps);
    }

    /// Moves a wave to the maximum of a parabola through three frequencies, along one axis and then the other.
    private static Wave refined(SymbolLanczos[] symbols, Wave wave, double distanceH, double distanceW) {
        Wave best = wave;
        for (int axis = 0; axis < 2; axis++) {
            double df = axis == 0 ? distanceH : 0;
            double dg = axis == 1 ? distanceW : 0;
            Wave above = moved(symbols, best, df, dg);
            Wave below = moved(symbols, best, -df, -dg);
            double curvature = above.value() + below.value() - 2 * best.value();
            if (curvature < 0) {
                double move = Math.clamp((below.value() - above.value()) / (2 * curvature), -1.0, 1.0);
                best = best(new Wave[] {moved(symbols, best, move * df, move * dg), above, below, best}, 1)[0];
            } else {
                best = best(new Wave[] {above, below, best}, 1)[0];
            }
        }
        return best;
    }

    private static Wave moved(SymbolLanczos[] symbols, Wave wave, double df, double dg) {
        return wave(symbols, wave.group, wave.f + df, wave.g + dg, wave.triple.right(), REFINED_STEPS);
    }

    /// `Re(v·exp(iω·p))` times the window, and noise.
    private float[] image(SymbolLanczos symbol, Wave wave, RandomStream random) {
        float[] v = symbol.inputVector(wave.triple);
        int phases = s.strideH() * s.strideW();
        float[] image = new float[s.inputShape().elements()];
        int area = s.h() * s.w();
        double square = 0;
        for (int ih = 0; ih < s.h(); ih++) {
            for (int iw = 0; iw < s.w(); iw++) {
                int row = ih + s.padTop();
                int column = iw + s.padLeft();
                double angle = wave.f * (row / s.strideH()) + wave.g * (column / s.strideW());
                double window = StrictMath.sin(Math.PI * (ih + 1) / (s.h() + 1)) * StrictMath.sin(Math.PI * (iw + 1) / (s.w() + 1));
                float cos = (float) (window * StrictMath.cos(angle));
                float sin = (float) (window * StrictMath.sin(angle));
                int phase = row % s.strideH() * s.strideW() + column % s.strideW();
                for (int ic = 0; ic < s.groupInputs(); ic++) {
                    int j = ic * phases + phase;
                    float value = v[2 * j] * cos - v[2 * j + 1] * sin;
                    image[(wave.group * s.groupInputs() + ic) * area + ih * s.w() + iw] = value;
                    square += (double) value * value;
                }
            }
        }
        float noise = (float) (NOISE * Math.sqrt(12 * square / image.length));
        for (int i = 0; i < image.length; i++) {
            image[i] += noise * (random.nextFloat() - 0.5f);
        }
        return image;
    }
}
