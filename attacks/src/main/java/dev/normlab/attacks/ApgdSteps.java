package dev.normlab.attacks;

/// How Auto-PGD moves an image, and what it does at its checkpoints.
interface ApgdSteps {

    /// The length of the first step.
    double firstStep();

    /// Moves the iterate of an image.
    ///
    /// @param step from 0
    void move(ApgdState state, int image, int step);

    /// Looks back after step number `step`, counted from 0; most steps are no checkpoints.
    void stepped(ApgdState state, int step);
}
