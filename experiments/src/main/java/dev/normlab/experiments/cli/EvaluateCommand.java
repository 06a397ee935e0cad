package dev.normlab.experiments.cli;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.nn.data.CorruptedCifar;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.train.Evaluation;
import dev.normlab.nn.train.Evaluator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `evaluate`: accuracy and loss of a model, and its logits.
@Command(name = "evaluate", description = "Measure the accuracy of a model; optionally save its logits.", sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Mixin
    private final DataOptions images = new DataOptions();

    @Option(names = "--save", paramLabel = "FILE", description = "Write logits [n, k] and labels y [n] to this npz file.")
    private @Nullable Path save;

    EvaluateCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        CommonOptions.requireEnding("--save", save, ".npz");
        try (Device device = common.openDeviceOf(models.runFolder())) {
            Weights weights = models.load(common.seed());
            Optional<Path> corruptions = images.allCorruptions();
            if (corruptions.isPresent()) {
                images.refuseStatistics();
                if (save != null) {
                    throw UserError.usage("--save: needs one corruption of one severity, as in --data cifar10c:DIR,fog=3");
                }
                return evaluateCorruptions(weights, corruptions.get(), device);
            }
            DataOptions.Judges judges = images.load(weights, models.runFolder(), common.progress()::line);
            Dataset data = judges.images();
            Weights.summarize(weights.model(), data.shape(), device);
            int statistics = images.estimateStatistics(weights, judges, common.seed(), device, common.progress()::line);
            List<float[]> logits = new ArrayList<>();
            Evaluation evaluation;
            try (Evaluator evaluator = new Evaluator(weights.model(), images.batchSize(), device)) {
                evaluation = evaluator.evaluate(data, (batch, values) -> logits.add(values.toArray()));
            }
            if (save != null) {
                saveLogits(save, data, logits, weights.spec().classes());
            }
            report(evaluation, weights, statistics);
            return 0;
        }
    }

    private int evaluateCorruptions(Weights weights, Path folder, Device device) throws IOException {
        common.say(String.format(Locale.ROOT, "%-18s  %s   mean  accuracy in percent by severity", "corruption",
                "    1      2      3      4      5"));
        Map<String, Object> table = new LinkedHashMap<>();
        double benchmark = 0, all = 0;
        try (Evaluator evaluator = new Evaluator(weights.model(), images.batchSize(), device)) {
            for (String corruption : CorruptedCifar.CORRUPTIONS) {
                double[] accuracies = new double[CorruptedCifar.SEVERITIES];
                List<Dataset> severities = CorruptedCifar.severities(folder, corruption);
                for (int i = 0; i < accuracies.length; i++) {
                    common.progress().update(corruption + ", severity " + (i + 1));
                    accuracies[i] = evaluator.evaluate(images.limited(severities.get(i))).accuracy();
                }
                common.progress().clear();
                double mean = Arrays.stream(accuracies).average().orElseThrow();
                benchmark += CorruptedCifar.CORRUPTIONS.indexOf(corruption) < CorruptedCifar.BENCHMARK
                        ? mean / CorruptedCifar.BENCHMARK
                        : 0;
                all += mean / CorruptedCifar.CORRUPTIONS.size();
                table.put(corruption, accuracies);
                String row = Arrays.stream(accuracies).mapToObj(value -> String.format(Locale.ROOT, "%5.1f", 100 * value))
                        .collect(Collectors.joining("  "));
                common.say(String.format(Locale.ROOT, "%-18s  %s  %5.1f", corruption, row, 100 * mean));
            }
        }
        common.say(String.format(Locale.ROOT, "%s, %s: mean accuracy %.2f%% under the %d corruptions of the benchmark, %.2f%% under all %d",
                weights.spec(), weights.source(), 100 * benchmark, CorruptedCifar.BENCHMARK, 100 * all, CorruptedCifar.CORRUPTIONS.size()));
        common.writeJson(Map.of("accuracy", table, "mean_benchmark", benchmark, "mean_all", all));
        return 0;
    }

    private static void saveLogits(Path file, Dataset data, List<float[]> batches, int classes) throws IOException {
        float[] all = new float[data.size() * classes];
        int next = 0;
        for (float[] batch : batches) {
            System.arraycopy(batch, 0, all, next, batch.length);
            next += batch.length;
        }
        int[] labels = new int[data.size()];
        Arrays.setAll(labels, data::label);
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        arrays.put("logits", new NumberArray.Floats(Shape.of(data.size(), classes), all));
        arrays.put("y", new NumberArray.Ints(Shape.of(data.size()), labels));
        Npz.write(file, arrays);
    }

    private void report(Evaluation evaluation, Weights weights, int statistics) throws IOException {
        Interval interval = new Proportion(evaluation.correct(), evaluation.count()).wilson95();
        common.say(
                String.format(Locale.ROOT, "%s, %s: accuracy %.2f%% (95%% interval %.2f to %.2f) on %d images, loss %s%s", weights.spec(),
                        weights.source(), 100 * evaluation.accuracy(), 100 * interval.low(), 100 * interval.high(), evaluation.count(),
                        Progress.loss(evaluation.loss()),
                        statistics > 0 ? ", batch norm's statistics of " + statistics + " training images" : ""));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("n", evaluation.count());
        json.put("accuracy", evaluation.accuracy());
        json.put("loss", evaluation.loss());
        if (statistics > 0) {
            json.put("bn_statistics_images", statistics);
        }
        common.writeJson(json);
    }
}
