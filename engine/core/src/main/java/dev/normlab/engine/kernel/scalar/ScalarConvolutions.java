package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.ConvolutionNorm;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The three convolutions as loops over their definition. Every output plane is summed in double precision, channel by channel and tap by
/// tap, and rounded once.
final class ScalarConvolutions implements ConvolutionKernels {

    private final BatchNormKernels batchNorms;

    ScalarConvolutions(BatchNormKernels batchNorms) {
        this.batchNorms = batchNorms;
    }

    @Override
    public void conv2dForwardNormalised(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, ConvolutionNorm norm, Storage y,
            Workspace workspace) {
        conv2dForward(s, x, weight, bias, y, workspace);
        norm.apply(batchNorms, y, workspace);
    }

    @Override
    public void conv2dForwardStatistics(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Storage mean,
            Storage var, Workspace workspace) {
        conv2dForward(s, x, weight, bias, y, workspace);
        batchNorms.statistics(BatchNormSizes.behind(s), y, mean, var, workspace);
    }

    // x [n, c, h, w], weight [o, c/groups, kh, kw], bias [o], y [n, o, oh, ow]
    @Override
    public void conv2dForward(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Workspace workspace) {
        int n = s.n(), o = s.o(), outputPixels = s.oh() * s.ow();
        float[] biases = bias == null ? new float[0] : bias.floats();
        float[] ys = y.floats();
        long steps = (long) s.groupInputs() * s.kh() * s.kw() * outputPixels;
        Chunks.run(workspace, n * o, steps, (from, to, worker) -> {
            double[] plane = workspace.scratchDoubles(worker, "convolution", outputPixels);
            for (int i = from; i < to; i++) {
                int in = i / o;
                int io = i % o;
                Arrays.fill(plane, 0, outputPixels, bias == null ? 0 : biases[io]);
                addForward(s, in, io, x.floats(), weight.floats(), plane);
                round(plane, outputPixels, ys, i * outputPixels);
            }
        });
    }

    // plane[ioh, iow] += sum over ic, ikh, ikw: weight[io, ic, ikh, ikw] * x[in, ic, ioh*strideH + ikh*dilationH - padTop, ..]
    private static void addForward(Conv2dSizes s, int in, int io, float[] x, float[] weight, double[] plane) {
        int h = s.h(), w = s.w(), kh = s.kh(), kw = s.kw(), oh = s.oh(), ow = s.ow(), strideW = s.strideW();
        int firstInput = io / s.groupOutputs() * s.groupInputs();
        for (int ic = 0; ic < s.groupInputs(); ic++) {
            int xPlane = (in * s.c() + firstInput + ic) * h * w;
            for (int ikh = 0; ikh < kh; ikh++) {
                int offsetH = ikh * s.dilationH() - s.padTop();
                int endH = Taps.end(offsetH, s.strideH(), h, oh);
                for (int ikw = 0; ikw < kw; ikw++) {
                    int offsetW = ikw * s.dilationW() - s.padLeft();
                    int firstW = Taps.first(offsetW, strideW);
                    int endW = Taps.end(offsetW, strideW, w, ow);
                    double tap = weight[((io * s.groupInputs() + ic) * kh + ikh) * kw + ikw];
                    for (int ioh = Taps.first(offsetH, s.strideH()); ioh < endH; ioh++) {
                        int xRow = xPlane + (ioh * s.strideH() + offsetH) * w + offsetW;
                        int yRow = ioh * ow;
                        addRow(tap, x, xRow, strideW, plane, yRow, firstW, endW);
                    }
                }
            }
        }
    }

    // dOut [n, o, oh, ow], weight [o, c/groups, kh, kw], dx [n, c, h, w]
    @Override
    public void conv2dBackwardInput(Conv2dSizes s, Storage dOut, Storage weight, Storage dx, Workspace workspace) {
        int n = s.n(), c = s.c(), inputPixels = s.h() * s.w();
        float[] dxs = dx.floats();
        long steps = (long) s.groupOutputs() * s.kh() * s.kw() * s.oh() * s.ow();
        Chunks.run(workspace, n * c, steps, (from, to, worker) -> {
            double[] plane = workspace.scratchDoubles(worker, "convolution", inputPixels);
            for (int i = from; i < to; i++) {
                Arrays.fill(plane, 0, inputPixels, 0);
                addBackwardInput(s, i / c, i % c, dOut.floats(), weight.floats(), plane);
                round(plane, inputPixels, dxs, i * inputPixels);
            }
        });
    }

    // plane[ioh*strideH + ikh*dilationH - padTop, ..] += sum over io, ikh, ikw: weight[io, ic, ikh, ikw] * dOut[in, io, ioh, iow]
    private static void addBackwardInput(Conv2dSizes s, int in, int ic, float[] dOut, float[] weight, double[] plane) {
        int h = s.h(), w = s.w(), kh = s.kh(), kw = s.kw(), oh = s.oh(), ow = s.ow(), strideW = s.strideW();
        int group = ic / s.groupInputs();
        int icInGroup = ic % s.groupInputs();
        for (int io = group * s.groupOutputs(); io < (group + 1) * s.groupOutputs(); io++) {
            int outPlane = (in * s.o() + io) * oh * ow;
            for (int ikh = 0; ikh < kh; ikh++) {
                int offsetH = ikh * s.dilationH() - s.padTop();
                int endH = Taps.end(offsetH, s.strideH(), h, oh);
                for (int ikw = 0; ikw < kw; ikw++) {
                    int offsetW = ikw * s.dilationW() - s.padLeft();
                    int firstW = Taps.first(offsetW, strideW);
                    int endW = Taps.end(offsetW, strideW, w, ow);
                    double tap = weight[((io * s.groupInputs() + icInGroup) * kh + ikh) * kw + ikw];
                    for (int ioh = Taps.first(offsetH, s.strideH()); ioh < endH; ioh++) {
                        int xRow = (ioh * s.strideH() + offsetH) * w + offsetW;
                        int outRow = outPlane + ioh * ow;
                        spreadRow(tap, dOut, outRow, plane, xRow, strideW, firstW, endW);
                    }
                }
            }
        }
    }

    // x [n, c, h, w], dOut [n, o, oh, ow], dWeight [o, c/groups, kh, kw]
    @Override
    public void conv2dBackwardWeight(Conv2dSizes s, Storage x, Storage dOut, Storage dWeight, Workspace workspace) {
        int kh = s.kh(), kw = s.kw();
        float[] dWeights = dWeight.floats();
        long steps = (long) kh * kw * s.n() * s.oh() * s.ow();
        Chunks.run(workspace, s.o() * s.groupInputs(), steps, (from, to, worker) -> {
            double[] columns = workspace.scratchDoubles(worker, "convolution", s.ow());
            for (int i = from; i < to; i++) {
                int io = i / s.groupInputs();
                int ic = io / s.groupOutputs() * s.groupInputs() + i % s.groupInputs();
                for (int ikh = 0; ikh < kh; ikh++) {
                    for (int ikw = 0; ikw < kw; ikw++) {
                        dWeights[(i * kh + ikh) * kw + ikw] = (float) tapGradient(s, io, ic, ikh, ikw, x.floats(), dOut.floats(), columns);
                    }
                }
            }
        });
    }

    // sum over in, ioh, iow: dOut[in, io, ioh, iow] * x[in, ic, ioh*strideH + ikh*dilationH - padTop, ..],
    // first down each output column (a straight inner loop), then along the columns
    private static double tapGradient(Conv2dSizes s, int io, int ic, int ikh, int ikw, float[] x, float[] dOut, double[] columns) {
        int n = s.n(), h = s.h(), w = s.w(), oh = s.oh(), ow = s.ow(), strideW = s.strideW();
        int offsetH = ikh * s.dilationH() - s.padTop();
        int offsetW = ikw * s.dilationW() - s.padLeft();
        int endH = Taps.end(offsetH, s.strideH(), h, oh);
        int firstW = Taps.first(offsetW, strideW);
        int endW = Taps.end(offsetW, strideW, w, ow);
        Arrays.fill(columns, 0, ow, 0);
        for (int in = 0; in < n; in++) {
            for (int ioh = Taps.first(offsetH, s.strideH()); ioh < endH; ioh++) {
                int xRow = ((in * s.c() + ic) * h + ioh * s.strideH() + offsetH) * w + offsetW;
                int outRow = ((in * s.o() + io) * oh + ioh) * ow;
                addProducts(dOut, outRow, x, xRow, strideW, columns, firstW, endW);
            }
        }
        double sum = 0;
        for (int iow = firstW; iow < endW; iow++) {
            sum += columns[iow];
        }
        return sum;
    }

    // The innermost loops. They are written once more for stride 1, because a compiler vectorises only those.

    private static void addRow(double tap, float[] x, int xRow, int stride, double[] plane, int yRow, int first, int end) {
        if (stride == 1) {
            for (int iow = first; iow < end; iow++) {
                plane[yRow + iow] += tap * x[xRow + iow];
            }
        } else {
            for (int iow = first; iow < end; iow++) {
                plane[yRow + iow] += tap * x[xRow + iow * stride];
            }
        }
    }

    private static void spreadRow(double tap, float[] dOut, int outRow, double[] plane, int xRow, int stride, int first, int end) {
        if (stride == 1) {
            for (int iow = first; iow < end; iow++) {
                plane[xRow + iow] += tap * dOut[outRow + iow];
            }
        } else {
            for (int iow = first; iow < end; iow++) {
                plane[xRow + iow * stride] += tap * dOut[outRow + iow];
            }
        }
    }

    private static void addProducts(float[] dOut, int outRow, float[] x, int xRow, int stride, double[] columns, int first, int end) {
        if (stride == 1) {
            for (int iow = first; iow < end; iow++) {
                columns[iow] += (double) dOut[outRow + iow] * x[xRow + iow];
            }
        } else {
            for (int iow = first; iow < end; iow++) {
                columns[iow] += (double) dOut[outRow + iow] * x[xRow + iow * stride];
            }
        }
    }

    private static void round(double[] plane, int pixels, float[] target, int offset) {
        for (int p = 0; p < pixels; p++) {
            target[offset + p] = (float) plane[p];
        }
    }
}
