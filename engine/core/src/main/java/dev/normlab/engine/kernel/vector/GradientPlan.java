package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;

/// Where a convolution's weight gradient reads and writes, worked out once for each set of sizes.
///
/// The gradient of one weight is a sum over all images and output pixels. Work is split over output channels (pieces of one or two blocks), input channels
/// (ranges of [#rangeChannels]) and, for small weights only, a fixed number of slices of the batch whose sums are added in order; so the result depends on the
/// batch but never on the number of threads. As in [ConvolutionPlan], large maps are done in bands of rows of one image, small ones by positions over a group
/// of images, which leaves out all products with padding.
final class GradientPlan {

    // Results of a band: two blocks of output gradients should stay in the nearest cache or close to it.
    private static final int BAND_PIXELS = 256;

    // Positions are chosen if they leave out at least this share of the products.
    private static final double POSITIONS_PAY = 0.05;

    // Pixels of all images of a group together, for positions.
    private static final int GROUP_PIXELS = 1024;

    // Floats of all slices' sums together.
    private static final int SLICE_FLOATS = 1 << 18;

    private static final int MAX_SLICES = 8;

    private static final int WANTED_CHUNKS = 16;

    final TapAxis rows;
    final TapAxis columns;
    final ChannelGroups channels;
    final boolean positions;

    /// Whether the kernel is 1x1 without stride and padding: then nothing is copied, and the tiles read the tensors themselves.
    final boolean direct;

    /// Input channels (or, merged, pairs of tap column and input channel) of one chunk, and the number of such ranges.
    final int rangeChannels;
    final int ranges;

    /// Whether the taps of a kernel row lie side by side in the scratch image and count as input channels: `length` of them.
    final boolean merged;
    final int length;

    /// Taps that are walked one by one: all, or, merged, the rows of the kernel.
    final int taps;

    final int bandRows;
    final int bands;
    final int scratchRows;
    final int scratchColumns;

    /// Floats of scratch memory for the images and for the gradients of a unit.
    final int imageFloats;
    final int gradientFloats;

    /// Images of a group.
    final int images;

    /// Whether the rows of a band lie end to end in the scratch image and make one segment.
    final boolean linear;

    /// Segments of tap `t`: pairs of offsets from `starts[t]` to `starts[t + 1]`: in bands one for each row (one in all if they are linear), in positions one
    /// for each pair of positions, direct one for each image.
    final int[] segments;
    final int[] starts;

    GradientPlan(Conv2dSizes s, boolean plainInput) {
        rows = TapAxis.forward(s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        columns = TapAxis.forward(s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        channels = ChannelGroups.of(s.c(), s.o(), s.groups(), plainInput, 2);
        int results = s.oh() * s.ow(), inputPixels = s.h() * s.w();
        direct = !plainInput && !VectorKernels.isPlain(s.o()) && s.kh() * s.kw() == 1 && s.strideH() * s.strideW() == 1 && s.h() == s.oh()
                && s.w() == s.ow() && s.padTop() == 0 && s.padLeft() == 0;
        positions = !direct && inputPixels <= GROUP_PIXELS / 4 && positionsPay(s);
        merged = !positions && plainInput && s.dilationW() == 1 && s.kw() > 1;
        length = merged ? channels.length() * s.kw() : channels.length();
        taps = merged ? s.kh() : s.kh() * s.kw();
        rangeChannels = rangeChannels(length, channels.pieces().size());
        ranges = (length + rangeChannels - 1) / rangeChannels;
        images = positions ? Math.clamp(GROUP_PIXELS / inputPixels, 8, 64) : direct ? Math.clamp(BAND_PIXELS / results, 1, 16) : 1;
        bandRows = positions ? s.oh() : Math.clamp(BAND_PIXELS / s.ow(), 1, s.oh());
        bands = (s.oh() + bandRows - 1) / bandRows;
        scratchRows = positions ? s.h() : rows.span(bandRows);
        scratchColumns = positions ? s.w() : columns.span(s.ow());
        // The last tile may read beyond the last pixel's channels; what it reads there is not used.
        imageFloats = images * scratchRows * scratchColumns * pixelFloats() + TileOuterProducts.CHANNELS;
        gradientFloats = images * bandRows * s.ow() * 2 * V;
        linear = !positions && !direct && scratchColumns == s.ow();
        segments = new int[2 * taps * (positions ? results : direct ? images : bandRows)];
        starts = new int[taps + 1];
        if (direct) {
            placeImages(s);
        } else {
            place(s);
        }
    }

    // Whether leaving out the products with padding makes up for shorter runs.
    private boolean positionsPay(Conv2dSizes s) {
        long whole = (long) s.oh() * s.ow() * s.kh() * s.kw();
        return s.oh() * s.ow() <= GROUP_PIXELS / 16 && (long) rows.products(s.h()) * columns.products(s.w()) < (1 - POSITIONS_PAY) * whole;
    }

    private static int rangeChannels(int length, int pieces) {
        int channels = 64;
        while (channels > 16 && (length + channels - 1) / channels * pieces < WANTED_CHUNKS) {
            channels /= 2;
        }
        return Math.max(channels, V);
    }

    /// Floats of one pixel of the scratch image: the channels of a range, or all channels of a row-major input.
    int pixelFloats() {
        return channels.plain() ? channels.stride() : Math.min(rangeChannels, channels.stride());
    }

    private void place(Conv2dSizes s) {
        int at = 0;
        for (int tap = 0; tap < taps; tap++) {
            starts[tap] = at;
            int row = rows.offsets()[merged ? tap : tap / s.kw()];
            int column = columns.offsets()[merged ? 0 : tap % s.kw()];
            for (int ioh = 0; ioh < (linear ? 1 : bandRows); ioh++) {
                if (!positions) {
                    segments[2 * at] = ((ioh * rows.scratchStep() + row - rows.lowest()) * scratchColumns + column - columns.lowest()) * pixelFloats();
                    segments[2 * at + 1] = ioh * s.ow() * V;
                    at++;
                    continue;
                }
                for (int iow = 0; iow < s.ow(); iow++) {
                    int ih = ioh * rows.step() + row, iw = iow * columns.step() + column;
                    if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                        segments[2 * at] = (ih * s.w() + iw) * images * pixelFloats();
                        segments[2 * at + 1] = (ioh * s.ow() + iow) * images * 2 * V;
                        at++;
                    }
                }
            }
        }
        starts[taps] = at;
    }

    private void placeImages(Conv2dSizes s) {
        int plane = s.oh() * s.ow() * V;
        for (int i = 0; i < images; i++) {
            segments[2 * i] = i * Lanes.blocks(s.c()) * plane;
            segments[2 * i + 1] = i * Lanes.blocks(s.o()) * plane;
        }
        starts[1] = images;
    }

    /// Slices of a batch of `n` images.
    int slices(int n) {
        return Math.clamp(SLICE_FLOATS / sumFloats(), 1, Math.min(MAX_SLICES, Math.max(1, n)));
    }

    /// Input channels of range `range`, rounded up to whole tiles.
    int tiledChannels(int range) {
        int tile = TileOuterProducts.CHANNELS;
        return (Math.min(rangeChannels, length - range * rangeChannels) + tile - 1) / tile * tile;
    }

    /// Where the sums of a piece and range start, in the sums of one slice: `[channel tile][tap][channel][vectors * V]`.
    int sumsAt(Piece piece, int range) {
        int whole = paddedLength() * taps * V;
        return piece.weightsAt() / channels.length() * whole + range * rangeChannels * taps * piece.vectors() * V;
    }

    /// Floats of the sums of one slice.
    int sumFloats() {
        Piece last = channels.pieces().getLast();
        return (last.weightsAt() / channels.length() + last.vectors()) * paddedLength() * taps * V;
    }

    private int paddedLength() {
        return (ranges - 1) * rangeChannels + tiledChannels(ranges - 1);
    }
}
