package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// Weights `[o, c/groups, kh, kw]` rearranged for [TileProducts]: `[piece][tap][input channel of the sum][vectors * V output channels]`,
/// with zeros for channels that do not exist and between groups. For an input gradient the roles of `o` and `c` are exchanged and the taps
/// come in reverse order.
final class ConvolutionWeights {

    // Input channels rearranged together in a small buffer: scattering straight into the packed array would hit the same few sets of the
    // cache.
    private static final int STRIP = 8;

    private ConvolutionWeights() {}

    private record Form(boolean backward, int groups) {}

    /// The packed copy, made once for each version of the weight, with the help of all threads.
    static float[] packed(Conv2dSizes s, boolean backward, ChannelGroups channels, Storage weight, Workspace workspace) {
        int taps = s.kh() * s.kw();
        return workspace.packed(weight, new Form(backward, s.groups()), channels.weightFloats(taps), packed -> {
            float[] plain = weight.floats();
            workspace.workers().run(channels.pieces().size(), (chunk, worker) -> {
                Piece piece = channels.pieces().get(chunk);
                float[] strip = workspace.scratch(worker, "convolution weights", taps * STRIP * piece.vectors() * V);
                pack(s, backward, channels, piece, plain, strip, packed);
            });
        });
    }

    private static void pack(Conv2dSizes s, boolean backward, ChannelGroups channels, Piece piece, float[] plain, float[] strip,
            float[] packed) {
        int taps = s.kh() * s.kw(), length = channels.length(), width = piece.vectors() * V;
        int at = piece.weightsAt() * taps * V;
        int[] places = backward ? reversedTaps(places(width, taps, 1, STRIP * width), taps) : places(STRIP, taps, width, STRIP * width);
        boolean partial = s.groups() > 1 || (piece.block() + piece.vectors()) * V > channels.outputs();
        for (int first = 0; first < length; first += STRIP) {
            int count = Math.min(STRIP, length - first);
            if (partial) {
                Arrays.fill(strip, 0, taps * STRIP * width, 0f);
            }
            if (backward) {
                gatherTransposed(s, channels, piece, first, count, places, plain, strip);
            } else {
                gather(s, channels, piece, first, count, places, plain, strip);
            }
            for (int tap = 0; tap < taps; tap++) {
                System.arraycopy(strip, tap * STRIP * width, packed, at + (tap * length + first) * width, count * width);
            }
        }
    }

    // strip[tap, k, lane] = weight[output, input k, tap]: runs over the weight's input channels and taps
    private static void gather(Conv2dSizes s, ChannelGroups channels, Piece piece, int first, int count, int[] places, float[] plain,
            float[] strip) {
        int taps = s.kh() * s.kw(), width = piece.vectors() * V;
        int firstOutput = piece.block() * V, lastOutput = Math.min(channels.outputs(), firstOutput + width);
        int base = piece.inputBlock() * V + first;
        for (int io = firstOutput; io < lastOutput; io++) {
            int firstInput = io / s.groupOutputs() * s.groupInputs();
            int from = Math.max(0, firstInput - base), to = Math.min(count, firstInput + s.groupInputs() - base);
            int read = (io * s.groupInputs() + base - firstInput) * taps;
            for (int i = from * taps; i < to * taps; i++) {
                strip[places[i] + io - firstOutput] = plain[read + i];
            }
        }
    }

    // strip[tap, k, lane] = weight[input k, output, tap]: an output of the sum is an input channel of the convolution
    private static void gatherTransposed(Conv2dSizes s, ChannelGroups channels, Piece piece, int first, int count, int[] places,
            float[] plain, float[] strip) {
        int taps = s.kh() * s.kw(), width = piece.vectors() * V;
        int base = piece.block() * V, outputs = Math.min(width, channels.outputs() - base);
        for (int k = 0; k < count && piece.inputBlock() * V + first + k < s.o(); k++) {
            int ii = piece.inputBlock() * V + first + k;
            int firstOutput = ii / s.groupOutputs() * s.groupInputs();
            int from = Math.max(0, firstOutput - base), to = Math.min(outputs, firstOutput + s.groupInputs() - base);
            int read = (ii * s.groupInputs() + base - firstOutput) * taps;
            for (int i = from * taps; i < to * taps; i++) {
                strip[places[i] + k * width] = plain[read + i];
            }
        }
    }

    /// Where element `i = item * taps + tap` of a run goes when items lie `itemStep` and taps `tapStep` apart: a table, because loops over
    /// so few taps are slow.
    static int[] places(int items, int taps, int itemStep, int tapStep) {
        int[] places = new int[items * taps];
        for (int i = 0; i < places.length; i++) {
            places[i] = i / taps * itemStep + i % taps * tapStep;
        }
        return places;
    }

    private static int[] reversedTaps(int[] places, int taps) {
        int[] reversed = new int[places.length];
        for (int i = 0; i < places.length; i++) {
            reversed[i] = places[i / taps * taps + taps - 1 - i % taps];
        }
        return reversed;
    }
}
