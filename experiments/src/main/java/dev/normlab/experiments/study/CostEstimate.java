package dev.normlab.experiments.study;

import dev.normlab.attacks.Passes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.AdversarialSettings;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.TrainingRun;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.nn.data.DataSplits;
import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What the runs of a study will take on this machine: the parts of a run are timed ([ModelTimes]) and counted.
///
/// Steps on adversarial images are not timed as a whole, but put together from plain steps and gradients with respect to images. Attacks
/// are put together from passes ([StudyConfig.Attack#passes]): what an image takes that none of them fools, which is the most that it can
/// take. Unknown beforehand is how many images an attack works on, fewer from attack to attack: of the attacked ones [#ATTACKED] are
/// counted, a guess between networks that get most images right and are robust to the end and networks that do not. What an attack does
/// between its passes is counted as far as Auto-PGD does it, too.
///
/// @param seconds of every run, by its number
public record CostEstimate(Map<Integer, Double> seconds) {

    /// The share of images that attacks work on to the end.
    static final double ATTACKED = 0.6;

    private static final double FIRST_WARM_UP_SECONDS = 15;
    private static final double WARM_UP_SECONDS = 4;

    /// Copies the map.
    public CostEstimate {
        seconds = Map.copyOf(seconds);
    }

    /// Images whose numbers count, which may be others than those that are timed.
    ///
    /// @param train    training images
    /// @param test     test images
    /// @param attacked attacked images
    public record Images(int train, int test, int attacked) {}

    /// Times and counts.
    ///
    /// @param runs   those to be estimated
    /// @param data   images of the right size
    /// @param images how many there really are
    /// @throws IOException if no temporary file can be written
    public static CostEstimate measure(StudyConfig config, List<PlannedRun> runs, DataSplits data, Images images, Device device,
            Progress progress) throws IOException {
        Map<String, Parts> models = new LinkedHashMap<>();
        Map<Integer, Double> seconds = new HashMap<>();
        progress.line("timing parts of these runs on this machine: up to a minute for each model");
        for (PlannedRun run : runs) {
            String model = run.settings().model();
            if (!models.containsKey(model)) {
                progress.news("timing " + model);
                models.put(model, new Parts(new ModelTimes(model, data, device), run.settings(),
                        models.isEmpty() ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS));
            }
            progress.news("timing " + model + " " + run.setting());
            seconds.put(run.number(), models.get(model).of(run, config, images));
        }
        progress.clear();
        return new CostEstimate(seconds);
    }

    /// What the time of a step depends on, beside the model.
    ///
    /// @param hooks of norm decay and projections
    record StepKind(String hooks, int batch, boolean augment) {

        static StepKind of(TrainingSettings settings) {
            return new StepKind(settings.normDecay().map(decay -> decay.norm().label() + decay.kinds()).orElse("none")
                    + settings.projectBn().isPresent(), settings.batchSize(), settings.augment());
        }
    }

    /// The timed parts of the runs of a model.
    private static final class Parts {

        private final ModelTimes times;
        private final double evaluation;
        private final double gradient;
        private final double epochEnd;
        private final Map<StepKind, ModelTimes.Step> steps = new HashMap<>();
        private final Map<String, double[]> clippings = new HashMap<>();

        Parts(ModelTimes times, TrainingSettings settings, double warmUp) throws IOException {
            this.times = times;
            times.warmUp(settings.withoutHooks(), warmUp);
            this.evaluation = times.evaluation();
            this.gradient = times.gradient();
            this.epochEnd = times.epochEnd();
        }

        /// The seconds of a run.
        double of(PlannedRun run, StudyConfig config, Images images) {
            TrainingSettings settings = run.settings();
            ModelTimes.Step step = step(settings);
            double batches = Math.ceilDiv(images.train(), step.batch());
            double one = step.steady() + settings.adversarial().map(adversarial -> adversarial(adversarial, settings)).orElse(0.0);
            double epoch = batches * one + images.test() * evaluation + epochEnd;
            double training = step.start() + settings.epochs() * (epoch + clipping(settings, batches)
                    + Math.min(images.train(), settings.statisticsImages()) * evaluation);
            return training + ATTACKED * images.attacked() * seconds(config.attack().passes(times.classes()), evaluation, gradient);
        }

        /// A step of such settings; each kind of step is timed once.
        private ModelTimes.Step step(TrainingSettings settings) {
            return steps.computeIfAbsent(StepKind.of(settings), _ -> times.step(settings));
        }

        private double adversarial(AdversarialSettings adversarial, TrainingSettings settings) {
            ModelTimes.Step plain = step(settings.withoutHooks());
            return adversarial.steps() * plain.batch() * gradient + (adversarial.loss().pairs() ? plain.steady() : 0);
        }

        /// The seconds of clipping in an epoch.
        private double clipping(TrainingSettings settings, double batches) {
            if (settings.svc().isEmpty()) {
                return 0;
            }
            Method.Clipping clipping = settings.svc().get();
            double[] seconds = clippings.computeIfAbsent(clipping.svd().label() + clipping.operator() + (clipping.limit() < 1),
                    _ -> times.clipping(clipping));
            double passes = Math.ceil((batches - 1) / clipping.clipFreq()); // at batches 1, 1 + clipFreq and so on, counted from 0
            return passes * seconds[0] + seconds[1];
        }
    }

    /// The seconds of an image's passes.
    ///
    /// @param evaluation of a pass forward
    /// @param gradient   of a pass forward and the one backward that follows
    static double seconds(Passes passes, double evaluation, double gradient) {
        long both = Math.min(passes.forward(), passes.backward());
        return both * gradient + (passes.forward() - both) * evaluation
                + (passes.backward() - both) * Math.max(0, gradient - evaluation);
    }

    /// The seconds of some runs together.
    public double of(List<PlannedRun> runs) {
        return runs.stream().mapToDouble(run -> seconds.getOrDefault(run.number(), Double.NaN)).sum();
    }
}
