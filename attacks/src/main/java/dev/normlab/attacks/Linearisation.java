package dev.normlab.attacks;

/// The decision boundary of a model near the images of a batch, to first order: `f(x) = 0` with `f = z_l - z_y` and its gradient.
interface Linearisation extends BatchProgram {

    /// The images, `[n, c, h, w]` row-major, to be written before [#evaluate]; the array itself.
    float[] images();

    /// Sets the true classes and the classes to reach, `[n]` each.
    void classes(int[] labels, int[] targets);

    /// Computes values and gradients at the images.
    void evaluate();

    /// Backward passes of an image in an evaluation.
    int backwardPasses();

    /// Chooses an image's boundary and writes its gradient.
    ///
    /// @param w receives the gradient from `offset` on
    /// @return f
    double boundary(ThreatModel.Ball ball, int image, float[] w, int offset);
}
