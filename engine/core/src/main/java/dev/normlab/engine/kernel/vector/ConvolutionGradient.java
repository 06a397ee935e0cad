package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.Arrays;

/// A convolution's weight gradient after a [GradientPlan].
final class ConvolutionGradient {

    private final GradientPlan plan;
    private final Conv2dSizes s;
    private final float[] x;
    private final float[] dOut;
    private final boolean plainGradient;
    private final float[] dWeight;

    ConvolutionGradient(GradientPlan plan, Conv2dSizes s, float[] x, float[] dOut, boolean plainGradient, float[] dWeight) {
        this.plan = plan;
        this.s = s;
        this.x = x;
        this.dOut = dOut;
        this.plainGradient = plainGradient;
        this.dWeight = dWeight;
    }

    void run(Workspace workspace) {
        int slices = plan.slices(s.n()), pieces = plan.channels.pieces().size(), parts = pieces * plan.ranges;
        int sliceFloats = plan.sumFloats();
        float[] sums = workspace.scratch(0, "convolution gradient sums", slices * sliceFloats);
        workspace.workers().run(slices * parts, (chunk, worker) -> {
            int slice = chunk / parts, part = chunk % parts;
            Piece piece = plan.channels.pieces().get(part / plan.ranges);
            int from = (int) ((long) s.n() * slice / slices), to = (int) ((long) s.n() * (slice + 1) / slices);
            sum(piece, part % plan.ranges, from, to, sums, slice * sliceFloats, workspace, worker);
        });
        workspace.workers().run(parts, (part, worker) -> {
            Piece piece = plan.channels.pieces().get(part / plan.ranges);
            int range = part % plan.ranges, at = plan.sumsAt(piece, range);
            int count = plan.taps * plan.tiledChannels(range) * piece.vectors() * V;
            for (int slice = 1; slice < slices; slice++) {
                ElementLoops.add(sums, at, sums, slice * sliceFloats + at, count);
            }
            unpack(piece, range, sums, at);
        });
    }

    private void sum(Piece piece, int range, int fromImage, int toImage, float[] sums, int slice, Workspace workspace, int worker) {
        int at = slice + plan.sumsAt(piece, range);
        Arrays.fill(sums, at, at + plan.taps * plan.tiledChannels(range) * piece.vectors() * V, 0f);
        float[] image = plan.direct ? x : workspace.scratch(worker, "convolution image", plan.imageFloats);
        if (plan.direct) {
            for (int first = fromImage; first < toImage; first += plan.images) {
                sumDirect(piece, range, first, Math.min(plan.images, toImage - first), sums, at);
            }
        } else if (plan.positions) {
            for (int first = fromImage; first < toImage; first += plan.images) {
                sumPositions(piece, range, first, Math.min(plan.images, toImage - first), image, sums, at, workspace, worker);
            }
        } else {
            for (int in = fromImage; in < toImage; in++) {
                for (int band = 0; band < plan.bands; band++) {
                    sumBand(piece, range, in, band, image, sums, at, workspace, worker);
                }
            }
        }
    }

    private void sumDirect(Piece piece, int range, int first, int images, float[] sums, int at) {
        int plane = s.oh() * s.ow();
        int dAt = (first * Lanes.blocks(s.o()) + piece.block()) * plane * V;
        for (int channel = 0; channel < plan.tiledChannels(range); channel += TileOuterProducts.CHANNELS) {
            int xAt = (first * Lanes.blocks(s.c()) + inputBlock(piece, range) + channel / V) * plane * V + channel % V;
            TileOuterProducts.multiply(piece.vectors(), x, V, dOut, V, plane * V, plan.segments, 0, images, xAt, dAt, plane, sums,
                    at + channel * piece.vectors() * V);
        }
    }

    private void sumBand(Piece piece, int range, int in, int band, float[] image, float[] sums, int at, Workspace workspace, int worker) {
        int firstRow = band * plan.bandRows, rows = Math.min(plan.bandRows, s.oh() - firstRow);
        ScratchImage.copy(x, in, s.c(), s.h(), s.w(), plan.channels.plain(), inputBlock(piece, range), firstRow * s.strideH() - s.padTop(), plan.rows.copyStep(),
                plan.rows.span(rows), -s.padLeft(), plan.columns.copyStep(), plan.scratchColumns, plan.pixelFloats(), image, 0);
        float[] d = dOut;
        int plane = s.oh() * s.ow();
        int dAt = ((in * Lanes.blocks(s.o()) + piece.block()) * plane + firstRow * s.ow()) * V;
        if (plainGradient) {
            d = workspace.scratch(worker, "convolution gradient", plan.gradientFloats);
            dAt = 0;
            widen(in, firstRow * s.ow(), rows * s.ow(), 0, V, d);
        }
        for (int channel = 0; channel < plan.tiledChannels(range); channel += TileOuterProducts.CHANNELS) {
            int xAt = channelAt(range) + channel;
            for (int tap = 0; tap < plan.taps; tap++) {
                int start = plan.starts[tap], end = plan.linear ? start + 1 : start + rows;
                TileOuterProducts.multiply(piece.vectors(), image, plan.columns.scratchStep() * plan.pixelFloats(), d, V, plane * V, plan.segments, start, end,
                        xAt, dAt, plan.linear ? rows * s.ow() : s.ow(), sums, at + (channel * plan.taps + tap * TileOuterProducts.CHANNELS) * piece.vectors() * V);
            }
        }
    }

    private void sumPositions(Piece piece, int range, int first, int images, float[] image, float[] sums, int at, Workspace workspace, int worker) {
        float[] d = workspace.scratch(worker, "convolution gradient", plan.gradientFloats);
        int pixelFloats = plan.pixelFloats(), plane = s.oh() * s.ow(), width = 2 * V;
        for (int i = 0; i < images; i++) {
            // Pixels of one position lie side by side, image after image.
            ScratchImage.copy(x, first + i, s.c(), s.h(), s.w(), plan.channels.plain(), inputBlock(piece, range), plan.images, pixelFloats, image,
                    i * pixelFloats);
            if (plainGradient) {
                widen(first + i, 0, plane, i * width, plan.images * width, d);
                continue;
            }
            for (int b = 0; b < piece.vectors(); b++) {
                int from = ((first + i) * Lanes.blocks(s.o()) + piece.block() + b) * plane * V;
                for (int p = 0; p < plane; p++) {
                    Lanes.load(dOut, from + p * V).intoArray(d, (p * plan.images + i) * width + b * V);
                }
            }
        }
        for (int channel = 0; channel < plan.tiledChannels(range); channel += TileOuterProducts.CHANNELS) {
            int xAt = channelAt(range) + channel;
            for (int tap = 0; tap < plan.taps; tap++) {
                TileOuterProducts.multiply(piece.vectors(), image, pixelFloats, d, width, V, plan.segments, plan.starts[tap], plan.starts[tap + 1], xAt, 0,
                        images, sums, at + (channel * plan.taps + tap * TileOuterProducts.CHANNELS) * piece.vectors() * V);
            }
        }
    }

    private int inputBlock(Piece piece, int range) {
        return piece.inputBlock() + range * plan.rangeChannels / V;
    }

    // Row-major inputs keep all channels in the scratch image, blocked ones only those of the range.
    private int channelAt(int range) {
        return plan.channels.plain() ? range * plan.rangeChannels : 0;
    }

    // Brings a row-major gradient to vectors of channels, `step` floats apart.
    private void widen(int in, int firstPixel, int pixels, int at, int step, float[] d) {
        int plane = s.oh() * s.ow();
        for (int p = 0; p < pixels; p++) {
            for (int lane = 0; lane < V; lane++) {
                d[at + p * step + lane] = lane < s.o() ? dOut[(in * s.o() + lane) * plane + firstPixel + p] : 0f;
            }
        }
    }

    // Brings the sums [channel tile][tap][channel][vectors * V] of a piece and range to dWeight [o, c/groups, kh, kw].
    private void unpack(Piece piece, int range, float[] sums, int at) {
        int tile = TileOuterProducts.CHANNELS, width = piece.vectors() * V;
        int count = Math.min(plan.rangeChannels, plan.length - range * plan.rangeChannels);
        int firstOutput = piece.block() * V, lastOutput = Math.min(s.o(), firstOutput + width);
        int[] places = ConvolutionWeights.places(tile, plan.taps, width, tile * width);
        for (int channel = 0; channel < count; channel += tile) {
            int channels = Math.min(tile, count - channel);
            for (int io = firstOutput; io < lastOutput; io++) {
                int read = at + channel * plan.taps * width + io - firstOutput;
                if (s.groups() == 1 && !plan.merged) {
                    int write = (io * s.c() + range * plan.rangeChannels + channel) * plan.taps;
                    for (int i = 0; i < channels * plan.taps; i++) {
                        dWeight[write + i] = sums[read + places[i]];
                    }
                    continue;
                }
                for (int k = 0; k < channels; k++) {
                    unpackTaps(io, piece, range * plan.rangeChannels + channel + k, sums, read + k * width, tile * width);
                }
            }
        }
    }

    private void unpackTaps(int io, Piece piece, int index, float[] sums, int read, int step) {
        int firstInput = io / s.groupOutputs() * s.groupInputs();
        int ic = piece.inputBlock() * V + (plan.merged ? index % s.c() : index);
        if (ic < firstInput || ic >= firstInput + s.groupInputs()) {
            return;
        }
        int write = (io * s.groupInputs() + ic - firstInput) * s.kh() * s.kw() + (plan.merged ? index / s.c() : 0);
        int writeStep = plan.merged ? s.kw() : 1;
        for (int tap = 0; tap < plan.taps; tap++) {
            dWeight[write + tap * writeStep] = sums[read + tap * step];
        }
    }
}
