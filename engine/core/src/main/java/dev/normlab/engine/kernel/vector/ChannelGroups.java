package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import java.util.ArrayList;
import java.util.List;

/// How the output channels of a convolution-like sum are split into pieces that one tile covers, and which input channels each piece needs.
///
/// With several groups a piece meets only the input channels of its own groups, in whole blocks; weights between different groups that
/// share a block are zero. `length` input channels are summed for every piece, `stride` floats lie between neighbouring pixels of the
/// scratch image.
///
/// @param inputs   input channels in all
/// @param outputs  output channels in all
/// @param groups   groups of both
/// @param plain    whether the input is row-major (few channels) rather than blocked
/// @param length   input channels summed for every piece
/// @param stride   input channels kept for every pixel of the scratch image, at least `length`
/// @param pieces   the pieces, ascending
record ChannelGroups(int inputs, int outputs, int groups, boolean plain, int length, int stride, List<Piece> pieces) {

    /// Output blocks `block .. block + vectors - 1`, which need the input blocks from `inputBlock` on.
    ///
    /// @param weightsAt where the piece's weights start, in input channels times vectors
    record Piece(int block, int vectors, int inputBlock, int weightsAt) {}

    /// @param maxVectors the largest number of output blocks per piece, a power of two
    static ChannelGroups of(int inputs, int outputs, int groups, boolean plain, int maxVectors) {
        int groupInputs = inputs / groups;
        int groupOutputs = outputs / groups;
        List<Piece> ranges = new ArrayList<>();
        int blocks = Lanes.blocks(outputs);
        int needed = 1;
        for (int block = 0; block < blocks;) {
            int vectors = vectors(maxVectors, blocks - block, groups == 1 ? Integer.MAX_VALUE : groupOutputs);
            int firstGroup = block * V / groupOutputs;
            int lastGroup = (Math.min(outputs, (block + vectors) * V) - 1) / groupOutputs;
            int from = firstGroup * groupInputs / V;
            int to = Lanes.blocks((lastGroup + 1) * groupInputs);
            needed = Math.max(needed, to - from);
            ranges.add(new Piece(block, vectors, from, 0));
            block += vectors;
        }
        boolean all = plain || groups == 1;
        int length = all ? inputs : needed * V;
        List<Piece> pieces = new ArrayList<>();
        int weightsAt = 0;
        for (Piece range : ranges) {
            int inputBlock = all ? 0 : Math.min(range.inputBlock, Lanes.blocks(inputs) - needed);
            pieces.add(new Piece(range.block, range.vectors, inputBlock, weightsAt));
            weightsAt += length * range.vectors;
        }
        int stride = plain ? inputs : all ? Lanes.blocks(inputs) * V : length;
        return new ChannelGroups(inputs, outputs, groups, plain, length, stride, List.copyOf(pieces));
    }

    private static int vectors(int maxVectors, int blocksLeft, int groupOutputs) {
        if (groupOutputs == Integer.MAX_VALUE) {
            // As few pieces as possible, and these of nearly the same size: five blocks are done by three and two, not by four and one.
            int pieces = (blocksLeft + maxVectors - 1) / maxVectors;
            return (blocksLeft + pieces - 1) / pieces;
        }
        for (int vectors = maxVectors; vectors > 1; vectors /= 2) {
            if (vectors <= blocksLeft && groupOutputs % (vectors * V) == 0) {
                return vectors;
            }
        }
        return 1;
    }

    /// Floats of all weights for `taps` taps.
    int weightFloats(int taps) {
        Piece last = pieces.getLast();
        return (last.weightsAt + length * last.vectors) * taps * V;
    }
}
