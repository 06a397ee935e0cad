package dev.normlab.experiments.report;

import dev.normlab.experiments.report.RecordedRun.Epoch;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.experiments.report.RecordedRun.RobustAccuracy;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Made-up runs with round numbers for the report tests.
final class SampleRuns {

    private SampleRuns() {}

    /// A run of two epochs: a convolution of l1 norm `scale`, a linear layer of norm 10 and a batch norm of norm 2, all growing by half of
    /// their first value per epoch.
    static RecordedRun run(String name, double scale, int clean, int survived) {
        List<LayerNorm> norms = new ArrayList<>();
        for (int epoch = 0; epoch <= 2; epoch++) {
            double growth = 1 + epoch / 2.0;
            norms.add(new LayerNorm(epoch, "features.0", "conv", scale * growth, 3 * growth));
            norms.add(new LayerNorm(epoch, "features.1", "bn", 2 * growth, 2 * growth));
            norms.add(new LayerNorm(epoch, "classifier", "linear", 10 * growth, 7 * growth));
        }
        List<Epoch> epochs = List.of(new Epoch(1, 1.5, 0.5, 0.6, 99, 9), new Epoch(2, 0.75, 0.7, 0.8, 98, 8));
        return new RecordedRun(name, Map.of("seed", "1", "method", name), Map.of("java", "25"), epochs, norms,
                Optional.of(new Proportion(clean, 1000)),
                List.of(new RobustAccuracy("pgd-20", "linf", 8 / 255.0, new Proportion(survived, 500))), 12.25, List.of());
    }

    /// A run of which nothing is known yet.
    static RecordedRun empty(String name) {
        return new RecordedRun(name, Map.of(), Map.of(), List.of(), List.of(), Optional.empty(), List.of(), Double.NaN,
                List.of("It has not ended."));
    }

    static List<RecordedRun> three() {
        return List.of(run("plain", 30, 880, 60), run("nd-l1", 10, 870, 100), run("wd", 20, 800, 62));
    }
}
