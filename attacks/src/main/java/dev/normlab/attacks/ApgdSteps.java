package dev.normlab.attacks;

/// How Auto-PGD chooses its steps, and what it does at its checkpoints, for all images of a batch.
interface ApgdSteps {

    /// The length of the first step.
    double firstStep();

    /// Gives the program what it needs for a step, before it is taken.
    ///
    /// @param step from 0
    void prepare(ApgdProgram program, int step);

    /// Looks back after step number `step`, counted from 0; most steps are no checkpoints.
    void stepped(ApgdProgram program, int step);
}
