package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;

/// Where a convolution's weight gradient reads and writes, worked out once for each set of sizes.
///
/// The gradient of one weight is a sum over all images and output pixels. Work is split over input channels (ranges), output channels (a
/// few pieces each) and, for small weights only, a fixed number of slices of the batch whose sums are added in order; so the result depends
/// on the batch but never on the number of threads. The input is copied to scratch images as for [ConvolutionPlan], and products with
/// padding are left out:
///
/// - *Bands*: a unit is a band of rows of one image, or the whole maps of a few; a tap's segments are rows, without the pixels whose input
///   lies outside (where the taps of a kernel row are merged, only rows of padding are left out, and not columns).
/// - *Positions* (narrow maps): a unit is a group of images whose equal pixels lie side by side; a tap's segments are pairs of an input and
///   an output position, each a run over the images.
///
/// Where tiles are small because there are 16 vector registers, and neighbouring results read neighbouring inputs, the scratch images keep
/// the layout of the activations, a plane for each block of channels: see [#blocked].
final class GradientPlan {

    // Results of a band: the output gradients of a piece should stay in the caches.
    private static final int BAND_PIXELS = 256;

    // The same where the scratch image has few floats a pixel: the gradients, which come from memory, are read in longer runs.
    private static final int MERGED_BAND_PIXELS = 1024;

    // Rows shorter than this are done by positions, if the map is small.
    private static final int SHORT_ROW = 8;

    // Input pixels of all images of a group together, for positions.
    private static final int GROUP_PIXELS = 1024;

    // Input channels of a chunk: whole tiles and whole blocks.
    private static final int RANGE_CHANNELS = 96;

    // Floats of all slices' sums together.
    private static final int SLICE_FLOATS = 1 << 20;

    private static final int MAX_SLICES = 8;

    private static final int WANTED_CHUNKS = 16;

    final TapAxis rows;
    final TapAxis columns;
    final ChannelGroups channels;
    final boolean positions;

    /// Whether scratch images are `[image][channel block][rows][columns][V]` instead of `[image][rows][columns][channels of the range]`,
    /// or, with positions, `[channel block][rows][columns][image][V]` instead of `[rows][columns][image][channels]`: the inputs of a
    /// segment lie a constant `V` floats apart.
    final boolean blocked;

    /// Input channels of a tile.
    final int tileChannels;

    /// Whether the taps of a kernel row lie side by side in the scratch image and count as input channels: `length` of them.
    final boolean merged;
    final int length;

    /// The number of ranges of input channels.
    final int ranges;

    /// Taps that are walked one by one: all, or, merged, the rows of the kernel.
    final int taps;

    /// Whether the rows of a band lie end to end in the scratch image and make one segment.
    final boolean linear;

    final int bandRows;
    final int bands;
    final int scratchRows;
    final int scratchColumns;

    /// Images of a unit.
    final int images;

    /// Floats of scratch memory for the images and for the gradients of a unit.
    final int imageFloats;
    final int gradientFloats;

    /// Segments of tap `t`: pairs of offsets from `starts[t]` on, `counts[t]` for each image (for all images in positions); each
    /// `lengths[t]` long (as long as there are images in positions).
    final int[] segments;
    final int[] starts;
    final int[] counts;
    final int[] lengths;

    private final Conv2dSizes s;

    GradientPlan(Conv2dSizes s, boolean plainInput) {
        this.s = s;
        rows = TapAxis.forward(s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        columns = TapAxis.forward(s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        channels = ChannelGroups.of(s.c(), s.o(), s.groups(), plainInput, TileProducts.MAX_VECTORS);
        int results = s.oh() * s.ow(), inputPixels = s.h() * s.w();
        boolean endToEnd = columns.span(s.ow()) == s.ow() && rows.scratchStep() == 1;
        positions = !endToEnd && s.ow() <= SHORT_ROW && inputPixels <= GROUP_PIXELS / 4;
        linear = !positions && endToEnd;
        blocked = !plainInput && TileProducts.MAX_VECTORS == 2 && V % TileOuterProducts.FEW_CHANNELS == 0
                && (positions || columns.scratchStep() == 1);
        tileChannels = blocked ? TileOuterProducts.FEW_CHANNELS : TileOuterProducts.CHANNELS;
        merged = !positions && plainInput && s.dilationW() == 1 && s.kw() > 1;
        length = merged ? channels.length() * s.kw() : channels.length();
        taps = merged ? s.kh() : s.kh() * s.kw();
        ranges = (length + RANGE_CHANNELS - 1) / RANGE_CHANNELS;
        int bandPixels = merged ? MERGED_BAND_PIXELS : BAND_PIXELS;
        bandRows = positions ? s.oh() : Math.clamp(bandPixels / s.ow(), 1, s.oh());
        bands = (s.oh() + bandRows - 1) / bandRows;
        images = positions ? Math.clamp(GROUP_PIXELS / inputPixels, 8, 64) : bands > 1 ? 1 : Math.clamp(bandPixels / results, 1, 16);
        scratchRows = positions ? s.h() : rows.span(bandRows);
        scratchColumns = positions ? s.w() : columns.span(s.ow());
        // The last tile may read beyond the last pixel's channels; what it reads there is not used.
        imageFloats = images * mostPlanes() * scratchRows * scratchColumns * pixelFloats() + TileOuterProducts.CHANNELS;
        gradientFloats = images * bandRows * s.ow() * gradientWidth();
        segments = new int[2 * taps * (positions ? results : images * bandRows)];
        starts = new int[taps];
        counts = new int[taps];
        lengths = new int[taps];
        int at = 0;
        for (int tap = 0; tap < taps; tap++) {
            starts[tap] = at;
            at = positions ? placePositions(tap, at) : placeRows(tap, at);
        }
    }

    private int placePositions(int tap, int start) {
        int at = start;
        for (int i = 0; i < s.oh() * s.ow(); i++) {
            int ih = i / s.ow() * rows.step() + rows.offsets()[tap / s.kw()],
                    iw = i % s.ow() * columns.step() + columns.offsets()[tap % s.kw()];
            if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                segments[2 * at] = (ih * s.w() + iw) * images * pixelFloats();
                segments[2 * at + 1] = i * images * V;
                at++;
            }
        }
        counts[tap] = at - start;
        return at;
    }

    private int placeRows(int tap, int start) {
        int row = rows.offsets()[merged ? tap : tap / s.kw()] - rows.lowest();
        int offset = columns.offsets()[merged ? 0 : tap % s.kw()];
        boolean framed = merged || linear;
        int from = framed ? 0 : columns.firstInside(offset), to = framed ? s.ow() : columns.endInside(offset, s.w());
        // Several bands find their rows when they run; whole maps have only rows that lie inside.
        int firstRow = bands > 1 || linear ? 0 : firstRow(tap), endRow = bands > 1 || linear ? bandRows : endRow(tap);
        int at = start;
        for (int i = 0; i < images; i++) {
            for (int ioh = firstRow; ioh < (linear ? 1 : endRow); ioh++) {
                int scratchRow = ioh * rows.scratchStep() + row, scratchColumn = from * columns.scratchStep() + offset - columns.lowest();
                segments[2 * at] = i * imageStride() + (scratchRow * scratchColumns + scratchColumn) * pixelFloats();
                segments[2 * at + 1] = (i * Lanes.blocks(s.o()) * s.oh() * s.ow() + ioh * s.ow() + from) * V;
                at++;
            }
        }
        lengths[tap] = linear ? bandRows * s.ow() : Math.max(0, to - from);
        counts[tap] = (at - start) / images;
        return at;
    }

    /// The first output row whose input row through this tap lies inside the image, and one past the last.
    int firstRow(int tap) {
        return rows.firstInside(rows.offsets()[merged ? tap : tap / s.kw()]);
    }

    int endRow(int tap) {
        return rows.endInside(rows.offsets()[merged ? tap : tap / s.kw()], s.h());
    }

    /// Floats of one pixel of a scratch image: the channels of a range, one block of them, or all channels of a row-major input.
    int pixelFloats() {
        return blocked ? V : channels.plain() ? channels.stride() : Math.min(RANGE_CHANNELS, channels.stride());
    }

    /// Floats between two scratch images.
    int imageStride() {
        return mostPlanes() * planeFloats();
    }

    private int mostPlanes() {
        return blocked ? Math.min(RANGE_CHANNELS, channels.stride()) / V : 1;
    }

    /// Floats of all pixels of a scratch image, of one block where it keeps them apart; with positions, of all images.
    int planeFloats() {
        return (positions ? images : 1) * scratchRows * scratchColumns * pixelFloats();
    }

    /// Channel blocks that the scratch images of a range keep apart.
    int planes(int range) {
        return blocked ? Lanes.blocks(rangeChannels(range)) : 1;
    }

    /// Where the channels of a tile of a range start in a scratch image.
    int tileAt(int range, int tile) {
        int channel = tile * tileChannels;
        if (blocked) {
            return channel / V * planeFloats() + channel % V;
        }
        // Row-major inputs keep all channels in the scratch image, blocked ones only those of the range.
        return (channels.plain() ? rangeStart(range) : 0) + channel;
    }

    /// Floats of one pixel of the gradients of a piece.
    int gradientWidth() {
        return TileProducts.MAX_VECTORS * V;
    }

    /// The first input channel of a range.
    int rangeStart(int range) {
        return range * RANGE_CHANNELS;
    }

    /// Input channels of a range.
    int rangeChannels(int range) {
        return Math.min(RANGE_CHANNELS, length - range * RANGE_CHANNELS);
    }

    /// Tiles of a range.
    int rangeTiles(int range) {
        return (rangeChannels(range) + tileChannels - 1) / tileChannels;
    }

    /// Input channels of a tile that there are: the last tile of a range may have fewer than the others.
    int tileChannels(int range, int tile) {
        return Math.min(tileChannels, rangeChannels(range) - tile * tileChannels);
    }

    /// Slices of a batch of `n` images.
    int slices(int n) {
        return Math.clamp(SLICE_FLOATS / sumFloats(), 1, Math.min(MAX_SLICES, Math.max(1, n)));
    }

    /// Pieces that one chunk does with the same scratch images.
    int piecesTogether(int n) {
        int pieces = channels.pieces().size();
        int parts = (WANTED_CHUNKS + slices(n) * ranges - 1) / (slices(n) * ranges);
        return s.groups() > 1 ? 1 : Math.max(1, pieces / parts);
    }

    /// Where the sums of a piece and range start, in the sums of one slice: `[channel tile][tap][channel][vectors * V]`.
    int sumsAt(Piece piece, int range) {
        int tilesBefore = range * (RANGE_CHANNELS / tileChannels);
        return (piece.weightsAt() / channels.length() * allTiles() + tilesBefore * piece.vectors()) * tileChannels * taps * V;
    }

    /// Floats of the sums of one slice.
    int sumFloats() {
        Piece last = channels.pieces().getLast();
        return (last.weightsAt() / channels.length() + last.vectors()) * allTiles() * tileChannels * taps * V;
    }

    private int allTiles() {
        return (ranges - 1) * (RANGE_CHANNELS / tileChannels) + rangeTiles(ranges - 1);
    }
}
