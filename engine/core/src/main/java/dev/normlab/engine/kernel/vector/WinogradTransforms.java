package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import java.util.Optional;

/// The linear maps of one Winograd algorithm for convolutions with a 3x3 kernel and stride 1, each applied to `V` channels at once.
///
/// A one-dimensional algorithm F(m, 3) computes `m` neighbouring outputs of a 3-tap correlation from their inputs `d` and the taps `g` with
/// `p` products instead of `3 m`:
///
///     y = Aᵀ [(G g) ∘ (Bᵀ d)]
///
/// where `Bᵀ` `[p, t]`, `G` `[p, 3]` and `Aᵀ` `[m, p]` are small constant matrices and `∘` multiplies element by element. Nested in rows
/// and columns, with the sum over input channels `c` moved inside, an `m x m` tile of a convolution is
///
///     Y = Aᵀ [sum over c of (G g_c Gᵀ) ∘ (Bᵀ d_c B)] A
///
/// so that each of the `p x p` *frequencies* is a matrix product over channels. The weight gradient is the adjoint in `g`: with
/// the gradient `D` of a tile's outputs, summed over all tiles,
///
///     dg = Gᵀ [sum over tiles of (A D Aᵀ) ∘ (Bᵀ d B)] G
///
/// Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308.
///
/// Every method applies a one-dimensional map first to the columns and then to the rows, through `scratch` of [#scratchFloats] floats. Six
/// loads and six stores at a time stay within the registers and within the compiler's budget for inlining. Frequency `(i, j)` has number
/// `i * p + j`; numbers lie `step` floats apart.
interface WinogradTransforms {

    /// The maps of an algorithm; none for direct sums.
    static Optional<WinogradTransforms> of(ConvolutionAlgorithm algorithm) {
        return switch (algorithm) {
            case DIRECT -> Optional.empty();
            case WINOGRAD_4 -> Optional.of(new WinogradFour());
            case WINOGRAD_2 -> Optional.of(new WinogradTwo());
            case WINOGRAD_MAP_2 -> Optional.of(new WinogradMapTwo());
        };
    }

    /// Outputs `m` of a tile in each direction.
    int outputs();

    /// Inputs `t` of a tile in each direction.
    int inputs();

    /// The first input of a tile, counted from the input of its first output's first tap.
    int firstInput();

    /// Products `p` in each direction.
    int frequencies();

    /// Floats of scratch memory that the maps need.
    default int scratchFloats() {
        return frequencies() * frequencies() * Lanes.V;
    }

    /// `Bᵀ d B` of the inputs `[t, t, V]` at `at`, whose rows lie `rowStep` floats apart.
    void input(float[] x, int at, int rowStep, float[] scratch, float[] to, int toAt, int step);

    /// `Aᵀ M A + bias`, written as `[m, m, V]` with rows `rowStep` floats apart; `bias` holds one vector at `biasAt`.
    void output(float[] sums, int at, int step, float[] bias, int biasAt, float[] scratch, float[] y, int yAt, int rowStep);

    /// `G g Gᵀ` of nine vectors of taps that lie `tapStep` floats apart.
    void weight(float[] taps, int at, int tapStep, float[] scratch, float[] to, int toAt, int step);

    /// `A D Aᵀ` of the output gradients `[m, m, V]` at `at`, whose rows lie `rowStep` floats apart.
    void gradient(float[] dOut, int at, int rowStep, float[] scratch, float[] to, int toAt, int step);

    /// `Gᵀ S G`, written as nine vectors of taps that lie `tapStep` floats apart.
    void weightGradient(float[] sums, int at, int step, float[] scratch, float[] taps, int tapsAt, int tapStep);
}
