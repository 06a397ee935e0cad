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
/// for on a coarse grid by a few Lanczos steps at each of its frequencies, and from the best ones by parabolas, whose curvature says what
/// the borders cost: on a small image a flat maximum wins over a slightly higher, sharp one. Two waves that cannot be told apart start
/// together. From this start a few steps with the layer reach what takes dozens from a random one. A little noise is added, so that no
/// singular vector is orthogonal to the start.
final class WaveStart {

    // Frequencies along an axis for each pixel that the kernel extends: values change slowly between them.
    private static final int DENSITY = 4;
    private static final int MOST_FREQUENCIES = 32;
    private static final int COARSE_STEPS = 8;
    private static final int FINE_STEPS = 14;
    private static final int REFINED_STEPS = 4;
    private static final int CANDIDATES = 8;
    private static final int FINALISTS = 6;
    private static final int RIVALS = 2;
    // Waves that are amplified alike to this share may win or lose by what the search neglects.
    private static final double INDISTINCT = 0.002;
    // Pixels of an image for each that the kernel extends, so that waves describe the layer well.
    private static final int SPACE = 6;
    private static final float NOISE = 0.01f;

    private final Conv2dSizes s;
    private final CircularConvolution torus;

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
        return s.groups() <= 4 && s.dilationH() == 1 && s.dilationW() == 1 && roomy(s.oh(), s.kh(), s.strideH())
                && roomy(s.ow(), s.kw(), s.strideW()) && s.kh() * s.kw() <= 49
                && (long) s.outputShape().elements() * s.groupInputs() * s.kh() * s.kw() >= 1L << 24;
    }

    private static boolean roomy(int outputs, int taps, int stride) {
        return outputs >= 12 && outputs * stride >= SPACE * (taps - 1);
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
        Wave[] rivals = different(best(finalists, FINALISTS), distanceH, distanceW);
        workers.run(rivals.length, (chunk, _) -> rivals[chunk] = again(symbols,
                refined(symbols, rivals[chunk], distanceH / 3, distanceW / 3), FINE_STEPS));
        return image(symbols, different(best(rivals, RIVALS), distanceH, distanceW), random);
    }

    /// The best wave and the best other one that is not the same: neighbouring frequencies climb to one maximum, and real weights amplify a
    /// wave and its mirror image alike. Added to each other, with phases of their own, two that are the same could cancel.
    private static Wave[] different(Wave[] sorted, double distanceH, double distanceW) {
        Wave first = sorted[0];
        for (int i = 1; i < sorted.length; i++) {
            if (!first.isNear(sorted[i], distanceH, distanceW)) {
                return new Wave[] {first, sorted[i]};
            }
        }
        return new Wave[] {first};
    }

    private static Wave[] best(Wave[] waves, int count) {
        return IntStream.range(0, waves.length).boxed().sorted(Comparator.comparingDouble((Integer i) -> -waves[i].onTheImage()))
                .limit(count).map(i -> waves[i]).toArray(Wave[]::new);
    }

    private static Wave wave(SymbolLanczos[] symbols, int group, double f, double g, float[] start, int steps) {
        return new Wave(group, f, g, symbols[group].at(f, g).run(start, steps), 0);
    }

    private static Wave again(SymbolLanczos[] symbols, Wave wave, int steps) {
        return wave(symbols, wave.group, wave.f, wave.g, wave.triple.right(), steps).losing(wave.loss);
    }

    /// Moves a wave to the maximum of a parabola through three frequencies, along one axis and then the other.
    ///
    /// A sharp maximum loses more on the image than a flat one: faded out along `n` positions, a wave is a mixture of frequencies
    /// `π/(n + 1)` away from it.
    private Wave refined(SymbolLanczos[] symbols, Wave wave, double distanceH, double distanceW) {
        Wave best = wave.losing(0);
        double loss = 0;
        for (int axis = 0; axis < 2; axis++) {
            double df = axis == 0 ? distanceH : 0;
            double dg = axis == 1 ? distanceW : 0;
            Wave above = moved(symbols, best, df, dg);
            Wave below = moved(symbols, best, -df, -dg);
            double curvature = above.value() + below.value() - 2 * best.value();
            double spread = Math.PI / (axis == 0 ? (s.oh() + 1) * distanceH : (s.ow() + 1) * distanceW);
            loss += Math.max(0, -curvature) * spread * spread / 2;
            if (curvature < 0) {
                double move = Math.clamp((below.value() - above.value()) / (2 * curvature), -1.0, 1.0);
                best = best(new Wave[] {moved(symbols, best, move * df, move * dg), above, below, best}, 1)[0];
            } else {
                best = best(new Wave[] {above, below, best}, 1)[0];
            }
        }
        return best.losing(loss);
    }

    private static Wave moved(SymbolLanczos[] symbols, Wave wave, double df, double dg) {
        return wave(symbols, wave.group, wave.f + df, wave.g + dg, wave.triple.right(), REFINED_STEPS);
    }

    /// The best wave, upon it others that can hardly be told from it, and noise.
    private float[] image(SymbolLanczos[] symbols, Wave[] waves, RandomStream random) {
        float[] image = new float[s.inputShape().elements()];
        for (Wave wave : waves) {
            if (wave.onTheImage() >= (1 - INDISTINCT) * waves[0].onTheImage()) {
                add(symbols[wave.group], wave, image);
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

    /// Adds `Re(v·exp(iω·p))` times the window, with `v` of length 1.
    private void add(SymbolLanczos symbol, Wave wave, float[] image) {
        float[] v = symbol.inputVector(wave.triple);
        double length = 0;
        for (float value : v) {
            length += (double) value * value;
        }
        double scale = length > 0 ? 1 / Math.sqrt(length) : 0;
        int phases = s.strideH() * s.strideW();
        int area = s.h() * s.w();
        for (int ih = 0; ih < s.h(); ih++) {
            for (int iw = 0; iw < s.w(); iw++) {
                int row = ih + s.padTop();
                int column = iw + s.padLeft();
                double angle = wave.f * (row / s.strideH()) + wave.g * (column / s.strideW());
                double window = scale * StrictMath.sin(Math.PI * (ih + 1) / (s.h() + 1))
                        * StrictMath.sin(Math.PI * (iw + 1) / (s.w() + 1));
                float cos = (float) (window * StrictMath.cos(angle));
                float sin = (float) (window * StrictMath.sin(angle));
                int phase = row % s.strideH() * s.strideW() + column % s.strideW();
                for (int ic = 0; ic < s.groupInputs(); ic++) {
                    int j = ic * phases + phase;
                    image[(wave.group * s.groupInputs() + ic) * area + ih * s.w() + iw] += v[2 * j] * cos - v[2 * j + 1] * sin;
                }
            }
        }
    }
}
