package dev.normlab.attacks;

/// Projected gradient descent on a full batch: the best point of an image is its first misclassified iterate (or the first that reaches its
/// target), or else the one of the highest loss.
interface PgdRun extends BatchProgram {

    /// Begins a run.
    ///
    /// @param cleanImages  `[n, c, h, w]`, row-major
    /// @param startImages  the first iterates
    /// @param givenLabels  true classes, or targets
    /// @param radius       of the ball
    /// @param step         length of a step
    void start(float[] cleanImages, float[] startImages, int[] givenLabels, float radius, float step);

    /// Judges the iterate and moves it.
    void step();

    /// Which images have been misclassified (or have reached their targets) so far, 0 or 1.
    float[] fooled();

    /// The losses of the best points so far; negative infinity for images of which no iterate was judged.
    float[] bestLoss();

    /// The best points so far.
    float[] best();

    /// The sums of the absolute values of the gradients at which the last step was taken, an image each; 0 where nothing could move.
    float[] gradientSizes();
}
