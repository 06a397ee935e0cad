package dev.normlab.experiments.study;

import dev.normlab.attacks.Passes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.AdversarialSettings;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import java.util.HashMap;
import java.util.Map;

/// What runs cost in comparison with one another, in multiply-adds, for the time that is left.
final class RelativeCost {

    /// A forward and a backward pass with all gradients, and one with the input's gradient alone, in forward passes.
    private static final double STEP = 3;
    private static final double INPUT_STEP = 2;
    /// Images that an attack still works on, on average: some are wrong from the start, some fooled early.
    private static final double ATTACKED = 0.5;

    private final StudyConfig config;
    private final Device device;
    private final Map<String, Summary> summaries = new HashMap<>();

    RelativeCost(StudyConfig config, Device device) {
        this.config = config;
        this.device = device;
    }

    /// The cost of a run.
    ///
    /// @param epochs that it trains
    /// @param epoch  an epoch with its evaluation
    /// @param attack of the trained model
    record Cost(int epochs, double epoch, double attack) {

        /// Of everything.
        double whole() {
            return epochs * epoch + attack;
        }
    }

    /// The cost of a run.
    Cost of(PlannedRun run, DataSplits data) {
        double adversarial = run.settings().adversarial().map(RelativeCost::adversarial).orElse(0.0);
        double images = Math.min(config.attack().images(), data.test().size());
        Passes passes = config.attack().passes(data.train().classes());
        double forward = summary(run.settings().model(), data.train().shape(), data.train().classes()).multiplyAdds();
        return new Cost(run.settings().epochs(), forward * ((STEP + adversarial) * data.train().size() + data.test().size()),
                forward * ATTACKED * images * (passes.forward() + (INPUT_STEP - 1) * passes.backward()));
    }

    private static double adversarial(AdversarialSettings settings) {
        return settings.steps() * INPUT_STEP + (settings.loss().pairs() ? STEP : 0);
    }

    /// Shapes and sizes of a model.
    Summary summary(String model, ImageShape shape, int classes) {
        return summaries.computeIfAbsent(model,
                one -> Weights.summarize(Models.create(Weights.parse(one, classes), 0), shape, device));
    }
}
