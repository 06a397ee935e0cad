package dev.normlab.experiments.store;

/// A line of a file that grows while a run trains; a resumed run drops the lines after its checkpoint's epoch.
public sealed interface EpochLine permits MetricsLine, NormLine {

    /// The number of completed epochs that the line belongs to.
    int epoch();
}
