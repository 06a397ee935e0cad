package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import java.util.Arrays;
import java.util.List;

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
        List<Piece> pieces = plan.channels.pieces();
        int slices = plan.slices(s.n()), sliceFloats = plan.sumFloats();
        int together = plan.piecesTogether(s.n()), sets = (pieces.size() + together - 1) / together;
        float[] sums = workspace.scratch(0, "convolution gradient sums", slices * sliceFloats);
        workspace.workers().run(slices * plan.ranges * sets, (chunk, worker) -> {
            int set = chunk % sets, range = chunk / sets % plan.ranges, slice = chunk / sets / plan.ranges;
            int from = (int) ((long) s.n() * slice / slices), to = (int) ((long) s.n() * (slice + 1) / slices);
            List<Piece> mine = pieces.subList(set * together, Math.min(pieces.size(), (set + 1) * together));
            sum(mine, range, from, to, sums, slice * sliceFloats, workspace, worker);
        });
        workspace.workers().run(pieces.size() * plan.ranges, (part, _) -> {
            Piece piece = pieces.get(part / plan.ranges);
            int range = part % plan.ranges, at = plan.sumsAt(piece, range);
            for (int slice = 1; slice < slices; slice++) {
                ElementLoops.add(sums, at, sums, slice * sliceFloats + at, plan.rangeTiles(range) * plan.taps * tileFloats(piece));
            }
            unpack(piece, range, sums, at);
        });
    }

    private int tileFloats(Piece piece) {
        return plan.tileChannels * piece.vectors() * V;
    }

    // The sums of some pieces and a range over the images fromImage .. toImage - 1.
    private void sum(List<Piece> pieces, int range, int fromImage, int toImage, float[] sums, int slice, Workspace workspace, int worker) {
        float[] images = workspace.scratch(worker, "convolution image", plan.imageFloats);
        float[] gradients = workspace.scratch(worker, "convolution gradient", plan.positions || plainGradient ? plan.gradientFloats : 0);
        float[] tile = workspace.scratch(worker, "convolution tile", plan.tileChannels * plan.gradientWidth());
        for (Piece piece : pieces) {
            int at = slice + plan.sumsAt(piece, range);
            Arrays.fill(sums, at, at + plan.rangeTiles(range) * plan.taps * tileFloats(piece), 0f);
        }
        for (int first = fromImage; first < toImage; first += plan.images) {
            int count = Math.min(plan.images, toImage - first);
            for (int band = 0; band < plan.bands; band++) {
                copyImages(pieces.getFirst(), range, first, count, band, images);
                for (Piece piece : pieces) {
                    int at = slice + plan.sumsAt(piece, range);
                    if (plan.positions) {
                        copyGradients(piece, first, count, gradients);
                        sumPositions(piece, range, count, images, gradients, tile, sums, at);
                    } else if (plainGradient) {
                        sumPlainBand(piece, range, first, count, band, images, gradients, tile, sums, at);
                    } else {
                        int dAt = (first * Lanes.blocks(s.o()) + piece.block()) * s.oh() * s.ow() * V;
                        sumBand(piece, range, 0, count, band, images, dOut, dAt + band * plan.bandRows * s.ow() * V, tile, sums, at);
                    }
                }
            }
        }
    }

    private void copyImages(Piece piece, int range, int first, int count, int band, float[] images) {
        int firstBlock = piece.inputBlock() + plan.rangeStart(range) / V, stride = plan.pixelFloats();
        for (int i = 0; i < count; i++) {
            for (int plane = 0; plane < plan.planes(range); plane++) {
                int block = firstBlock + plane, at = plane * plan.planeFloats();
                if (plan.positions) {
                    // Pixels of one position lie side by side, image after image.
                    ScratchImage.copy(x, first + i, s.c(), s.h(), s.w(), plan.channels.plain(), block, plan.images, stride, images,
                            at + i * stride);
                } else {
                    copyBand(first + i, block, band, images, at + i * plan.imageStride());
                }
            }
        }
    }

    private void copyBand(int image, int block, int band, float[] images, int at) {
        int rows = Math.min(plan.bandRows, s.oh() - band * plan.bandRows);
        ScratchImage.copy(x, image, s.c(), s.h(), s.w(), plan.channels.plain(), block, band * plan.bandRows * s.strideH() - s.padTop(),
                plan.rows.copyStep(), plan.rows.span(rows), -s.padLeft(), plan.columns.copyStep(), plan.scratchColumns, plan.pixelFloats(),
                images, at);
    }

    // gradients[block][position][image][V]
    private void copyGradients(Piece piece, int first, int count, float[] gradients) {
        int plane = s.oh() * s.ow();
        for (int i = 0; i < count; i++) {
            if (plainGradient) {
                widen(first + i, 0, plane, i * V, plan.images * V, gradients);
                continue;
            }
            for (int b = 0; b < piece.vectors(); b++) {
                int from = ((first + i) * Lanes.blocks(s.o()) + piece.block() + b) * plane * V;
                for (int p = 0; p < plane; p++) {
                    Lanes.load(dOut, from + p * V).intoArray(gradients, ((b * plane + p) * plan.images + i) * V);
                }
            }
        }
    }

    // Brings a row-major gradient to vectors of channels, `step` floats apart.
    private void widen(int in, int firstPixel, int pixels, int at, int step, float[] gradients) {
        int plane = s.oh() * s.ow();
        for (int p = 0; p < pixels; p++) {
            for (int lane = 0; lane < V; lane++) {
                gradients[at + p * step + lane] = lane < s.o() ? dOut[(in * s.o() + lane) * plane + firstPixel + p] : 0f;
            }
        }
    }

    private void sumPositions(Piece piece, int range, int count, float[] images, float[] gradients, float[] tile, float[] sums, int at) {
        int step = plan.pixelFloats(), next = s.oh() * s.ow() * plan.images * V;
        for (int channelTile = 0; channelTile < plan.rangeTiles(range); channelTile++) {
            int xAt = plan.tileAt(range, channelTile), channels = plan.tileChannels(range, channelTile);
            for (int tap = 0; tap < plan.taps; tap++) {
                int start = plan.starts[tap], end = start + plan.counts[tap];
                int floats = multiply(piece, channels, images, step, gradients, next, start, end, xAt, 0, count, tile);
                ElementLoops.add(sums, at + (channelTile * plan.taps + tap) * tileFloats(piece), tile, 0, floats);
            }
        }
    }

    // Row-major gradients are widened image by image.
    private void sumPlainBand(Piece piece, int range, int first, int count, int band, float[] images, float[] gradients, float[] tile,
            float[] sums, int at) {
        int firstRow = band * plan.bandRows, rows = Math.min(plan.bandRows, s.oh() - firstRow);
        for (int i = 0; i < count; i++) {
            widen(first + i, firstRow * s.ow(), rows * s.ow(), 0, V, gradients);
            sumBand(piece, range, i, 1, band, images, gradients, -i * Lanes.blocks(s.o()) * s.oh() * s.ow() * V, tile, sums, at);
        }
    }

    // Adds the images firstImage .. firstImage + count - 1 of the unit.
    private void sumBand(Piece piece, int range, int firstImage, int count, int band, float[] images, float[] d, int dAt, float[] tile,
            float[] sums, int at) {
        int firstRow = band * plan.bandRows, rows = Math.min(plan.bandRows, s.oh() - firstRow);
        int xStep = plan.columns.scratchStep() * plan.pixelFloats();
        for (int channelTile = 0; channelTile < plan.rangeTiles(range); channelTile++) {
            int xAt = plan.tileAt(range, channelTile), channels = plan.tileChannels(range, channelTile);
            for (int tap = 0; tap < plan.taps; tap++) {
                int from = plan.starts[tap] + firstImage * plan.counts[tap], to = from + count * plan.counts[tap],
                        length = plan.lengths[tap];
                if (plan.linear) {
                    length = rows * s.ow();
                } else if (plan.bands > 1) {
                    to = from + Math.min(rows, plan.endRow(tap) - firstRow);
                    from += Math.max(0, plan.firstRow(tap) - firstRow);
                }
                if (from >= to) {
                    continue;
                }
                int floats = multiply(piece, channels, images, xStep, d, s.oh() * s.ow() * V, from, to, xAt, dAt, length, tile);
                ElementLoops.add(sums, at + (channelTile * plan.taps + tap) * tileFloats(piece), tile, 0, floats);
            }
        }
    }

    // The products of one tile, of which so many input channels are wanted; see TileOuterProducts.
    private int multiply(Piece piece, int channels, float[] images, int xStep, float[] d, int next, int from, int to, int xAt, int dAt,
            int length, float[] tile) {
        if (plan.blocked) {
            return TileOuterProducts.multiplyFew(piece.vectors(), images, d, next, plan.segments, from, to, xAt, dAt, length, tile, 0);
        }
        return TileOuterProducts.multiply(channels, piece.vectors(), images, xStep, d, next, plan.segments, from, to, xAt, dAt, length,
                tile, 0);
    }

    // Brings the sums [channel tile][tap][channel][vectors * V] of a piece and range to dWeight [o, c/groups, kh, kw].
    private void unpack(Piece piece, int range, float[] sums, int at) {
        int tile = plan.tileChannels, width = piece.vectors() * V, count = plan.rangeChannels(range);
        int firstOutput = piece.block() * V, lastOutput = Math.min(s.o(), firstOutput + width);
        int[] places = ConvolutionWeights.places(tile, plan.taps, width, tile * width);
        for (int channel = 0; channel < count; channel += tile) {
            int channels = Math.min(tile, count - channel);
            for (int io = firstOutput; io < lastOutput; io++) {
                int read = at + channel * plan.taps * width + io - firstOutput;
                if (s.groups() == 1 && !plan.merged) {
                    int write = (io * s.c() + plan.rangeStart(range) + channel) * plan.taps;
                    for (int i = 0; i < channels * plan.taps; i++) {
                        dWeight[write + i] = sums[read + places[i]];
                    }
                    continue;
                }
                for (int k = 0; k < channels; k++) {
                    unpackTaps(io, piece, plan.rangeStart(range) + channel + k, sums, read + k * width, tile * width);
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
