package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// Weights `[o, c/groups, kh, kw]` rearranged for [TileProducts]: `[piece][tap][input channel of the sum][vectors * V output channels]`, with zeros for
/// channels that do not exist and between groups. For an input gradient the roles of `o` and `c` are exchanged.
final class ConvolutionWeights {

    // Input channels rearranged together, so that the lines written stay in the nearest cache.
    private static final int STRIP = 16;

    private ConvolutionWeights() {
    }

    private record Form(boolean backward, int groups) {
    }

    /// The packed copy, made once for each version of the weight, with the help of all threads.
    static float[] packed(Conv2dSizes s, boolean backward, ChannelGroups channels, Storage weight, Workspace workspace) {
        int taps = s.kh() * s.kw();
        return workspace.packed(weight, new Form(backward, s.groups()), channels.weightFloats(taps), packed -> {
            float[] plain = weight.floats();
            workspace.workers().run(channels.pieces().size(), (chunk, _) -> pack(s, backward, channels, channels.pieces().get(chunk), plain, packed));
        });
    }

    private static void pack(Conv2dSizes s, boolean backward, ChannelGroups channels, Piece piece, float[] plain, float[] packed) {
        int taps = s.kh() * s.kw(), length = channels.length(), width = piece.vectors() * V;
        int at = piece.weightsAt() * taps * V;
        boolean partial = s.groups() > 1 || (piece.block() + piece.vectors()) * V > channels.outputs();
        if (partial) {
            Arrays.fill(packed, at, at + taps * length * width, 0f);
        }
        int firstOutput = piece.block() * V, lastOutput = Math.min(channels.outputs(), firstOutput + width);
        int groupInputs = channels.inputs() / s.groups(), groupOutputs = channels.outputs() / s.groups();
        int outputStep = backward ? taps : s.groupInputs() * taps;
        int inputStep = backward ? s.groupInputs() * taps : taps;
        for (int strip = 0; strip < length; strip += STRIP) {
            for (int io = firstOutput; io < lastOutput; io++) {
                int group = io / groupOutputs;
                int from = Math.max(strip, group * groupInputs - piece.inputBlock() * V);
                int to = Math.min(Math.min(length, strip + STRIP), (group + 1) * groupInputs - piece.inputBlock() * V);
                for (int k = from; k < to; k++) {
                    int ii = piece.inputBlock() * V + k;
                    // One index of the weight counts within the group, the other over all.
                    int read = backward ? ii * inputStep + (io - group * groupOutputs) * outputStep : io * outputStep + (ii - group * groupInputs) * inputStep;
                    int write = at + k * width + io - firstOutput;
                    for (int tap = 0; tap < taps; tap++) {
                        packed[write + tap * length * width] = plain[read + tap];
                    }
                }
            }
        }
    }
}
