package dev.normlab.experiments.study.report;

import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.stats.MeanEstimate;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.experiments.study.Strength;
import dev.normlab.experiments.study.StudyMethod;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/// What came out of one setting of a study, a model trained with a method at a strength, over its seeds.
///
/// @param model    the model specification
/// @param method   what it was trained with
/// @param strength how strongly; empty if the method has no strength
/// @param planned  how many runs there are to be
/// @param finished those that were trained and attacked
/// @param diverged how many met NaN or infinity
public record SettingResult(String model, StudyMethod method, Optional<Strength> strength, int planned, List<Finished> finished,
        int diverged) {

    /// Copies the list.
    public SettingResult {
        finished = List.copyOf(finished);
    }

    /// A run that was trained and attacked.
    ///
    /// @param replicate which of the seeds, from 1
    /// @param folder    the name of its folder
    /// @param recorded  its metrics and norms
    /// @param clean     test images that are right at the end
    /// @param robust    attacked images that are still right
    public record Finished(int replicate, String folder, RecordedRun recorded, Proportion clean, Proportion robust) {

        static Finished of(int replicate, String folder, RecordedRun recorded, RunResult.Score clean, RunResult.AttackScore robust) {
            return new Finished(replicate, folder, recorded, new Proportion(clean.correct(), clean.n()),
                    new Proportion(robust.correct(), robust.n()));
        }

        /// The sum of l1 norms after the last epoch, of the batch-norm layers or of the others.
        double normSum(boolean batchNorm) {
            return recorded.lastNormSum(batchNorm);
        }
    }

    /// Method and strength.
    String name() {
        return method.name() + strength.map(one -> " " + one).orElse("");
    }

    /// The accuracy on clean test images over the seeds.
    Optional<MeanEstimate> clean() {
        return estimate(run -> run.clean().fraction());
    }

    /// The accuracy under attack over the seeds.
    Optional<MeanEstimate> robust() {
        return estimate(run -> run.robust().fraction());
    }

    /// The sum of l1 norms after the last epoch over the seeds, of the batch-norm layers or of the others.
    Optional<MeanEstimate> normSum(boolean batchNorm) {
        return estimate(run -> run.normSum(batchNorm));
    }

    private Optional<MeanEstimate> estimate(ToDoubleFunction<Finished> value) {
        double[] values = finished.stream().mapToDouble(value).filter(Double::isFinite).toArray();
        return values.length == 0 ? Optional.empty() : Optional.of(MeanEstimate.of(values));
    }

    /// What is said behind a mean of fewer runs than planned, such as ` [1 of 3]`; else nothing.
    String share(MeanEstimate estimate) {
        return estimate.n() < planned ? " [" + estimate.n() + " of " + planned + "]" : "";
    }

    /// Whether some of the planned runs are missing in the means.
    boolean isPartial() {
        return !finished.isEmpty() && finished.size() < planned;
    }

    /// The count of a single run, where there is just one.
    Optional<Proportion> single(Function<Finished, Proportion> of) {
        return finished.size() == 1 ? Optional.of(of.apply(finished.getFirst())) : Optional.empty();
    }
}
