package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// Weights `[o, c, 3, 3]` transformed for the products of a [WinogradPlan]:
/// `[piece][frequency][input channel][vectors * V output channels]`. For an input gradient the roles of `o` and `c` are exchanged and the
/// kernels turned.
final class WinogradWeights {

    private static final int TAPS = 9;

    // Input channels transformed together: their taps and what they are transformed to stay in the second-level cache.
    private static final int STRIP = 16;

    private WinogradWeights() {}

    private record Form(boolean backward, int frequencies) {}

    /// Floats between two frequencies of a piece: a vector more than needed, because streams that lie a power of two apart fall into the
    /// same sets of the cache.
    static int step(WinogradPlan plan, Piece piece) {
        return plan.channels.length() * piece.vectors() * V + V;
    }

    /// Where the weights of a piece start.
    static int at(WinogradPlan plan, Piece piece) {
        return plan.frequencies * (piece.weightsAt() + piece.block()) * V;
    }

    /// The transformed copy, made once for each version of the weight, with the help of all threads.
    static float[] packed(Conv2dSizes s, boolean backward, WinogradPlan plan, Storage weight, Workspace workspace) {
        Piece last = plan.channels.pieces().getLast();
        int strips = (plan.channels.length() + STRIP - 1) / STRIP, pieces = plan.channels.pieces().size();
        int length = at(plan, last) + plan.frequencies * step(plan, last);
        return workspace.packed(weight, new Form(backward, plan.frequencies), length, packed -> {
            float[] plain = weight.floats();
            workspace.workers().run(pieces * strips, (chunk, worker) -> {
                Piece piece = plan.channels.pieces().get(chunk / strips);
                int first = chunk % strips * STRIP, count = Math.min(STRIP, plan.channels.length() - first);
                float[] strip = workspace.scratch(worker, "winograd taps", TAPS * STRIP * piece.vectors() * V);
                float[] scratch = workspace.scratch(worker, "winograd scratch", plan.transforms.scratchFloats());
                gather(s, backward, plan.channels, piece, first, count, plain, strip);
                int width = piece.vectors() * V, at = at(plan, piece) + first * width, step = step(plan, piece), run = count * width;
                // A vector more than needed, as in step().
                float[] buffer = workspace.scratch(worker, "winograd weights", plan.frequencies * (run + V));
                for (int i = 0; i < run; i += V) {
                    plan.transforms.weight(strip, i, STRIP * width, scratch, buffer, i, run + V);
                }
                // Memory takes a run of each frequency faster than a vector of each in turn.
                for (int f = 0; f < plan.frequencies; f++) {
                    System.arraycopy(buffer, f * (run + V), packed, at + f * step, run);
                }
            });
        });
    }

    // strip[tap][input channel first + k][output channel of the piece]
    private static void gather(Conv2dSizes s, boolean backward, ChannelGroups channels, Piece piece, int first, int count, float[] plain,
            float[] strip) {
        int width = piece.vectors() * V, tapStep = STRIP * width;
        int firstOutput = piece.block() * V, outputs = Math.min(width, channels.outputs() - firstOutput);
        if (outputs < width) {
            Arrays.fill(strip, 0, TAPS * tapStep, 0f);
        }
        if (backward) {
            for (int k = 0; k < count; k++) {
                takeKernels(plain, ((first + k) * s.c() + firstOutput) * TAPS, outputs, strip, TAPS_REVERSED * tapStep + k * width,
                        -tapStep, 1);
            }
        } else {
            for (int io = 0; io < outputs; io++) {
                takeKernels(plain, ((firstOutput + io) * s.c() + first) * TAPS, count, strip, io, tapStep, width);
            }
        }
    }

    private static final int TAPS_REVERSED = TAPS - 1;

    // Neighbouring kernels: tap t of kernel i goes to i * every + t * tapStep.
    private static void takeKernels(float[] plain, int from, int kernels, float[] strip, int at, int tapStep, int every) {
        for (int i = 0; i < kernels; i++) {
            int read = from + i * TAPS, write = at + i * every;
            strip[write] = plain[read];
            strip[write + tapStep] = plain[read + 1];
            strip[write + 2 * tapStep] = plain[read + 2];
            strip[write + 3 * tapStep] = plain[read + 3];
            strip[write + 4 * tapStep] = plain[read + 4];
            strip[write + 5 * tapStep] = plain[read + 5];
            strip[write + 6 * tapStep] = plain[read + 6];
            strip[write + 7 * tapStep] = plain[read + 7];
            strip[write + 8 * tapStep] = plain[read + 8];
        }
    }
}
