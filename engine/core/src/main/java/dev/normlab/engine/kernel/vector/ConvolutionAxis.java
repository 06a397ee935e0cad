package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.Conv2dSizes;

/// Which positions of the summed tensor meet which results, along the rows or the columns of a convolution: the input and the output of a
/// forward pass, the output gradient and the input gradient of a backward one.
///
/// Result `i` meets through a tap the position `base(i) + offset(phase(i), tap)`. Backwards with a stride it meets only some taps; results
/// of the same *phase*, of which there are as many as the stride, meet the same ones.
///
/// @param backward whether results are those of an input gradient
/// @param taps     taps of the kernel
/// @param inputs   positions of the summed tensor
/// @param results  positions of the result
record ConvolutionAxis(boolean backward, int stride, int pad, int dilation, int taps, int inputs, int results) {

    static ConvolutionAxis rows(Conv2dSizes s, boolean backward) {
        return new ConvolutionAxis(backward, s.strideH(), s.padTop(), s.dilationH(), s.kh(), backward ? s.oh() : s.h(),
                backward ? s.h() : s.oh());
    }

    static ConvolutionAxis columns(Conv2dSizes s, boolean backward) {
        return new ConvolutionAxis(backward, s.strideW(), s.padLeft(), s.dilationW(), s.kw(), backward ? s.ow() : s.w(),
                backward ? s.w() : s.ow());
    }

    /// How many phases there are.
    int phases() {
        return backward ? stride : 1;
    }

    /// The phase of a result.
    int phase(int result) {
        return backward ? (result + pad) % stride : 0;
    }

    /// The first result of a phase, which may lie beyond the last one there is.
    int first(int phase) {
        return backward ? Math.floorMod(phase - pad, stride) : 0;
    }

    /// Results from one of a phase to the next.
    int resultStep() {
        return backward ? stride : 1;
    }

    /// Positions from the base of one result of a phase to that of the next.
    int inputStep() {
        return backward ? 1 : stride;
    }

    int base(int result) {
        return backward ? (result + pad) / stride : result * stride - pad;
    }

    /// Whether the results of a phase meet a tap.
    boolean meets(int phase, int tap) {
        return !backward || (tap * dilation - phase) % stride == 0;
    }

    /// How many taps the results of a phase meet.
    int met(int phase) {
        int met = 0;
        for (int tap = 0; tap < taps; tap++) {
            met += meets(phase, tap) ? 1 : 0;
        }
        return met;
    }

    /// See the class; for a tap that the phase meets.
    int offset(int phase, int tap) {
        return backward ? -((tap * dilation - phase) / stride) : tap * dilation;
    }

    /// A position below which the results from `result` on meet none; may lie outside the tensor.
    int firstInput(int result) {
        return backward ? Math.ceilDiv(result + pad - (taps - 1) * dilation, stride) : result * stride - pad;
    }

    /// A position from which on the results up to `result` meet none; may lie outside the tensor.
    int endInput(int result) {
        return (backward ? Math.floorDiv(result + pad, stride) : result * stride - pad + (taps - 1) * dilation) + 1;
    }
}
