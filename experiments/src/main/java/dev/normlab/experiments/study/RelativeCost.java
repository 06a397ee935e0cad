package dev.normlab.experiments.study;

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
    double of(PlannedRun run, DataSplits data) {
        double adversarial = run.settings().adversarial().map(RelativeCost::adversarial).orElse(0.0);
        double training = run.settings().epochs() * ((STEP + adversarial) * data.train().size() + data.test().size());
        double images = Math.min(config.attack().images(), data.test().size());
        return summary(run.settings().model(), data.train().shape(), data.train().classes()).multiplyAdds()
                * (training + ATTACKED * INPUT_STEP * images * gradients(config.attack()));
    }

    private static double adversarial(AdversarialSettings settings) {
        return settings.steps() * INPUT_STEP + (settings.loss().pairs() ? STEP : 0);
    }

    /// Gradients that the attacks take of an image that survives to the end.
    static double gradients(StudyConfig.Attack attack) {
        double runs = attack.attacks().stream().mapToDouble(name -> name.endsWith("-t") ? attack.targets() : 1).sum();
        return runs * attack.restarts() * attack.steps();
    }

    /// Shapes and sizes of a model.
    Summary summary(String model, ImageShape shape, int classes) {
        return summaries.computeIfAbsent(model,
                one -> Weights.summarize(Models.create(Weights.parse(one, classes), 0), shape, device));
    }
}
