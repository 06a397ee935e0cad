package dev.normlab.experiments.study;

import dev.normlab.experiments.run.TrainingSettings;
import java.util.Optional;

/// A run of a study: one model, method, strength and seed.
///
/// @param number    from 0, in the order of the plan
/// @param folder    the name of its run folder
/// @param model     the model specification as the study writes it
/// @param method    what it is trained with
/// @param strength  how strongly; empty if the method has no strength
/// @param replicate which of the seeds of this setting, from 1
/// @param settings  everything that determines its result
public record PlannedRun(int number, String folder, String model, StudyMethod method, Optional<Strength> strength, int replicate,
        TrainingSettings settings) {

    /// Method and strength, for example `nd-l1 0.001`.
    public String setting() {
        return method.name() + strength.map(one -> " " + one).orElse("");
    }
}
