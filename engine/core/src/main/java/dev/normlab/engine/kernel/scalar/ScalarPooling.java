package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.PoolingKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// Pooling one plane `[h, w]` at a time. The window of output row `ioh` has the input rows `ioh * strideH - padH + tap * dilationH` that
/// lie inside.
final class ScalarPooling implements PoolingKernels {

    // x [n, c, h, w], y and positions [n, c, oh, ow]
    @Override
    public void maxPoolForward(Pool2dSizes s, Storage x, Storage y, Storage positions, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        float[] found = positions.floats();
        Chunks.run(workspace, s.n() * s.c(), (long) s.oh() * s.ow() * s.kh() * s.kw(), (from, to, _) -> {
            for (int plane = from; plane < to; plane++) {
                for (int i = 0; i < s.oh() * s.ow(); i++) {
                    int position = maximum(s, i / s.ow(), i % s.ow(), plane * s.h() * s.w(), xs);
                    int output = plane * s.oh() * s.ow() + i;
                    found[output] = position;
                    ys[output] = position < 0 ? Float.NEGATIVE_INFINITY : xs[plane * s.h() * s.w() + position];
                }
            }
        });
    }

    /// The position of the first largest value, or first NaN, of a window; -1 if the window is empty.
    private static int maximum(Pool2dSizes s, int ioh, int iow, int plane, float[] x) {
        int top = ioh * s.strideH() - s.padH();
        int left = iow * s.strideW() - s.padW();
        int best = -1;
        float largest = Float.NEGATIVE_INFINITY;
        for (int ikh = firstTap(top, s.dilationH()); ikh < endTap(top, s.dilationH(), s.kh(), s.h()); ikh++) {
            for (int ikw = firstTap(left, s.dilationW()); ikw < endTap(left, s.dilationW(), s.kw(), s.w()); ikw++) {
                int position = (top + ikh * s.dilationH()) * s.w() + left + ikw * s.dilationW();
                float value = x[plane + position];
                if (best < 0 || value > largest || Float.isNaN(value) && !Float.isNaN(largest)) {
                    best = position;
                    largest = value;
                }
            }
        }
        return best;
    }

    // dOut and positions [n, c, oh, ow], dx [n, c, h, w]: dx[position of the maximum] += dOut
    @Override
    public void maxPoolBackward(Pool2dSizes s, Storage dOut, Storage positions, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats();
        float[] found = positions.floats();
        int inputPixels = s.h() * s.w(), outputPixels = s.oh() * s.ow();
        Chunks.run(workspace, s.n() * s.c(), inputPixels + outputPixels, (from, to, worker) -> {
            double[] sums = workspace.scratchDoubles(worker, "pooling", inputPixels);
            for (int plane = from; plane < to; plane++) {
                Arrays.fill(sums, 0, inputPixels, 0);
                for (int i = plane * outputPixels; i < (plane + 1) * outputPixels; i++) {
                    if (found[i] >= 0) {
                        sums[(int) found[i]] += dOuts[i];
                    }
                }
                round(sums, inputPixels, dx.floats(), plane * inputPixels);
            }
        });
    }

    // y = (sum of the window) / divisor
    @Override
    public void averagePoolForward(Pool2dSizes s, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, s.n() * s.c(), (long) s.oh() * s.ow() * s.kh() * s.kw(), (from, to, _) -> {
            for (int plane = from; plane < to; plane++) {
                for (int i = 0; i < s.oh() * s.ow(); i++) {
                    int ioh = i / s.ow();
                    int iow = i % s.ow();
                    ys[plane * s.oh() * s.ow() + i] = average(s, ioh, iow, plane * s.h() * s.w(), xs);
                }
            }
        });
    }

    private static float average(Pool2dSizes s, int ioh, int iow, int plane, float[] x) {
        int top = ioh * s.strideH() - s.padH();
        int left = iow * s.strideW() - s.padW();
        int firstH = firstTap(top, s.dilationH()), endH = endTap(top, s.dilationH(), s.kh(), s.h());
        int firstW = firstTap(left, s.dilationW()), endW = endTap(left, s.dilationW(), s.kw(), s.w());
        if (firstH >= endH || firstW >= endW) {
            return 0f;
        }
        double sum = 0;
        for (int ikh = firstH; ikh < endH; ikh++) {
            for (int ikw = firstW; ikw < endW; ikw++) {
                sum += x[plane + (top + ikh * s.dilationH()) * s.w() + left + ikw * s.dilationW()];
            }
        }
        return (float) (sum / divisor(s, top, left));
    }

    // every input of a window gets dOut / divisor
    @Override
    public void averagePoolBackward(Pool2dSizes s, Storage dOut, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats();
        int inputPixels = s.h() * s.w(), outputPixels = s.oh() * s.ow();
        Chunks.run(workspace, s.n() * s.c(), (long) outputPixels * s.kh() * s.kw(), (from, to, worker) -> {
            double[] sums = workspace.scratchDoubles(worker, "pooling", inputPixels);
            for (int plane = from; plane < to; plane++) {
                Arrays.fill(sums, 0, inputPixels, 0);
                for (int i = 0; i < outputPixels; i++) {
                    spread(s, i / s.ow(), i % s.ow(), dOuts[plane * outputPixels + i], sums);
                }
                round(sums, inputPixels, dx.floats(), plane * inputPixels);
            }
        });
    }

    private static void spread(Pool2dSizes s, int ioh, int iow, double dOut, double[] sums) {
        int top = ioh * s.strideH() - s.padH();
        int left = iow * s.strideW() - s.padW();
        double share = dOut / divisor(s, top, left);
        for (int ikh = firstTap(top, s.dilationH()); ikh < endTap(top, s.dilationH(), s.kh(), s.h()); ikh++) {
            for (int ikw = firstTap(left, s.dilationW()); ikw < endTap(left, s.dilationW(), s.kw(), s.w()); ikw++) {
                sums[(top + ikh * s.dilationH()) * s.w() + left + ikw * s.dilationW()] += share;
            }
        }
    }

    /// The divisor of the window at `top`, `left`: the override, or its taps inside the image, padding included if that counts (but never
    /// what lies beyond the padding, where ceil mode's last windows reach).
    private static int divisor(Pool2dSizes s, int top, int left) {
        if (s.divisorOverride() != 0) {
            return s.divisorOverride();
        }
        if (s.countIncludePad()) {
            return endTap(top, s.dilationH(), s.kh(), s.h() + s.padH()) * endTap(left, s.dilationW(), s.kw(), s.w() + s.padW());
        }
        int rows = endTap(top, s.dilationH(), s.kh(), s.h()) - firstTap(top, s.dilationH());
        int columns = endTap(left, s.dilationW(), s.kw(), s.w()) - firstTap(left, s.dilationW());
        return rows * columns;
    }

    /// The first tap of a window starting at `start` that does not lie before 0.
    private static int firstTap(int start, int dilation) {
        return Taps.first(start, dilation);
    }

    /// One past the last of `taps` taps that lies before `size`.
    private static int endTap(int start, int dilation, int taps, int size) {
        return Taps.end(start, dilation, size, taps);
    }

    // x [n, c, h, w], y [n, c, oh, ow]
    @Override
    public void adaptiveAveragePoolForward(AdaptivePoolSizes s, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, s.n() * s.c(), s.h() * s.w() + s.oh() * s.ow(), (from, to, _) -> {
            for (int plane = from; plane < to; plane++) {
                for (int i = 0; i < s.oh() * s.ow(); i++) {
                    int ioh = i / s.ow();
                    int iow = i % s.ow();
                    double sum = 0;
                    for (int ih = start(ioh, s.h(), s.oh()); ih < end(ioh, s.h(), s.oh()); ih++) {
                        for (int iw = start(iow, s.w(), s.ow()); iw < end(iow, s.w(), s.ow()); iw++) {
                            sum += xs[(plane * s.h() + ih) * s.w() + iw];
                        }
                    }
                    ys[plane * s.oh() * s.ow() + i] = (float) (sum / adaptiveCount(s, ioh, iow));
                }
            }
        });
    }

    // every input of a window gets dOut / (size of the window)
    @Override
    public void adaptiveAveragePoolBackward(AdaptivePoolSizes s, Storage dOut, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats();
        int inputPixels = s.h() * s.w(), outputPixels = s.oh() * s.ow();
        Chunks.run(workspace, s.n() * s.c(), inputPixels + outputPixels, (from, to, worker) -> {
            double[] sums = workspace.scratchDoubles(worker, "pooling", inputPixels);
            for (int plane = from; plane < to; plane++) {
                Arrays.fill(sums, 0, inputPixels, 0);
                for (int i = 0; i < outputPixels; i++) {
                    int ioh = i / s.ow();
                    int iow = i % s.ow();
                    double share = (double) dOuts[plane * outputPixels + i] / adaptiveCount(s, ioh, iow);
                    for (int ih = start(ioh, s.h(), s.oh()); ih < end(ioh, s.h(), s.oh()); ih++) {
                        for (int iw = start(iow, s.w(), s.ow()); iw < end(iow, s.w(), s.ow()); iw++) {
                            sums[ih * s.w() + iw] += share;
                        }
                    }
                }
                round(sums, inputPixels, dx.floats(), plane * inputPixels);
            }
        });
    }

    private static int adaptiveCount(AdaptivePoolSizes s, int ioh, int iow) {
        return (end(ioh, s.h(), s.oh()) - start(ioh, s.h(), s.oh())) * (end(iow, s.w(), s.ow()) - start(iow, s.w(), s.ow()));
    }

    // floor(i * size / outputs)
    private static int start(int i, int size, int outputs) {
        return (int) ((long) i * size / outputs);
    }

    // ceil((i + 1) * size / outputs)
    private static int end(int i, int size, int outputs) {
        return (int) (((long) (i + 1) * size + outputs - 1) / outputs);
    }

    private static void round(double[] plane, int pixels, float[] target, int offset) {
        for (int p = 0; p < pixels; p++) {
            target[offset + p] = (float) plane[p];
        }
    }
}
