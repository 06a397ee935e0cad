package dev.normlab.experiments.cli;

import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.run.AttackScores;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `attack`: robust accuracy of a model under attacks, for one or several norms and sizes of perturbations.
@Command(name = "attack", description = "Measure the robust accuracy of a model; optionally save the adversarial images.",
        sortOptions = false)
final class AttackCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Mixin
    private final DataOptions images = new DataOptions();

    @Mixin
    private final AttackListOptions list = new AttackListOptions();

    @Option(names = "--norm", paramLabel = "LIST", split = ",", description = "Any of linf, l2, l1 (default: linf).")
    private List<String> norms = List.of("linf");

    @Option(names = "--eps", paramLabel = "LIST", split = ",",
            description = "Sizes of the perturbation in [0, 1] units, for example 8/255 or 1/255,2/255 "
                    + "(default: 8/255).")
    private List<String> eps = List.of("8/255");

    @Option(names = "--individual",
            description = "Let every attack see all images; else an attack sees those that survived the ones before it.")
    private boolean individual;

    @Option(names = "--no-record", description = "Leave the result of the run folder in --weights as it is.")
    private boolean noRecord;

    @Option(names = "--save", paramLabel = "FILE",
            description = "Write x, x_adv [n, c, h, w], y and pred [n] to this npz file (one norm and one eps).")
    private @Nullable Path save;

    AttackCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        List<ThreatModel> threats = threats();
        threats.forEach(threat -> list.attacks(threat.ball()));
        if (save != null && threats.size() > 1) {
            throw UserError.usage("--save: needs one norm and one eps, but " + threats.size() + " combinations were asked for");
        }
        try (Device device = common.openDevice()) {
            Weights weights = models.load(common.seed());
            Optional<RunFolder> run = models.runFolder();
            DataOptions.Judges judges = images.load(weights, run, common.progress()::line);
            Dataset data = judges.images();
            Weights.summarize(weights.model(), data.shape(), device);
            List<Map<String, Object>> results = new ArrayList<>();
            List<RunResult.AttackScore> scores = new ArrayList<>();
            for (ThreatModel threat : threats) {
                RobustnessEvaluation evaluation = new RobustnessEvaluation(list.attacks(threat.ball()), threat, individual, images.batchSize(),
                        common.seed());
                RobustnessResult result = evaluation.run(weights.model(), data, device, listener(common.progress()));
                report(threat, result);
                results.add(json(threat, result));
                scores.addAll(AttackScores.of(list::label, list.together(), threat, result, individual));
                if (save != null) {
                    saveImages(save, data, result);
                }
            }
            if (run.isPresent()) {
                record(run.get(), judges.ofRun(), scores);
            }
            common.writeJson(document(results));
            return 0;
        }
    }

    /// What every result says, with all of them under `results`; of a single one also its own keys, as the contract of the command line
    /// says.
    private static Map<String, Object> document(List<Map<String, Object>> results) {
        Map<String, Object> json = new LinkedHashMap<>(results.getFirst());
        if (results.size() > 1) {
            json.keySet().retainAll(List.of("n", "clean_accuracy"));
        }
        json.put("results", results);
        return json;
    }

    /// Adds the scores to the run folder, where reports find them, if they are of its own test images.
    private void record(RunFolder run, boolean ofRun, List<RunResult.AttackScore> scores) {
        if (noRecord) {
            return;
        }
        if (!ofRun) {
            common.progress().line("not recorded in " + run.path() + ": these are not the test images of the run");
            return;
        }
        try {
            boolean added = run.addAttacks(scores);
            common.say(added
                    ? "recorded in " + run.path().resolve(RunFolder.RESULT_FILE)
                    : "not recorded in " + run.path() + ": the run has no result yet");
        } catch (IOException e) {
            common.progress().line("not recorded: " + e.getMessage());
        }
    }

    private List<ThreatModel> threats() {
        List<ThreatModel> threats = new ArrayList<>();
        for (String norm : norms) {
            for (String radius : eps) {
                try {
                    threats.add(new ThreatModel(ThreatModel.Ball.parse(norm.strip()), Fractions.parse("--eps", radius)));
                } catch (IllegalArgumentException e) {
                    throw UserError.usage("--norm, --eps: " + e.getMessage());
                }
            }
        }
        return threats;
    }

    private static RobustnessEvaluation.Listener listener(Progress progress) {
        return (name, count, result) -> progress.line(result.isEmpty()
                ? name + " attacks " + count + " images ..."
                : String.format(Locale.ROOT, "%s fooled %d of %d in %s", name, result.get().fooled(), count,
                        Progress.duration(result.get().seconds())));
    }

    private void report(ThreatModel threat, RobustnessResult result) {
        common.say(String.format(Locale.ROOT, "%s eps %.5g (%.3g/255): %d images", threat.ball().label(), threat.eps(), threat.eps() * 255,
                result.n()));
        common.say("  clean accuracy   " + percent(result.cleanCorrect(), result.n()));
        for (RobustnessResult.AttackResult attack : result.attacks()) {
            common.say(String.format(Locale.ROOT, "  %-16s %s  %.1f s", individual ? attack.name() + " alone" : "after " + attack.name(),
                    percent(attack.robustCorrect(), result.n()), attack.seconds()));
        }
        common.say("  robust accuracy  " + percent(result.robustCorrect(), result.n()));
        if (result.rejected() > 0) {
            common.say("  warning: " + result.rejected() + " offered images were outside the ball or the box and do not count");
        }
    }

    private static String percent(int correct, int n) {
        Interval interval = new Proportion(correct, n).wilson95();
        return String.format(Locale.ROOT, "%6.2f%%  (95%% interval %.2f to %.2f)", 100.0 * correct / n, 100 * interval.low(),
                100 * interval.high());
    }

    private static Map<String, Object> json(ThreatModel threat, RobustnessResult result) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (RobustnessResult.AttackResult attack : result.attacks()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", attack.name());
            entry.put("robust_accuracy", attack.robustCorrect() / (double) result.n());
            entry.put("seconds", attack.seconds());
            entry.put("attacked", attack.attacked());
            entry.put("fooled", attack.fooled());
            entry.put("forward_passes", attack.forwardPasses());
            entry.put("backward_passes", attack.backwardPasses());
            list.add(entry);
        }
        Interval interval = new Proportion(result.robustCorrect(), result.n()).wilson95();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("n", result.n());
        json.put("norm", threat.ball().label());
        json.put("eps", (double) threat.eps());
        json.put("clean_accuracy", result.cleanAccuracy());
        json.put("robust_accuracy", result.robustAccuracy());
        json.put("robust_accuracy_95", List.of(interval.low(), interval.high()));
        json.put("attacks", list);
        return json;
    }

    private static void saveImages(Path file, Dataset data, RobustnessResult result) throws IOException {
        ImageShape image = data.shape();
        Shape shape = Shape.of(data.size(), image.channels(), image.height(), image.width());
        float[] clean = new float[shape.elements()];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, clean, i * image.values());
        }
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        arrays.put("x", new NumberArray.Floats(shape, clean));
        arrays.put("x_adv", new NumberArray.Floats(shape, result.adversarial()));
        arrays.put("y", new NumberArray.Ints(Shape.of(data.size()), result.labels()));
        arrays.put("pred", new NumberArray.Ints(Shape.of(data.size()), result.predictions()));
        Npz.write(file, arrays);
    }
}
