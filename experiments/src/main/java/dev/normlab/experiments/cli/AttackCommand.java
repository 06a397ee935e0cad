package dev.normlab.experiments.cli;

import dev.normlab.attacks.EvaluationStopped;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.SelfTest;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.AttackScores;
import dev.normlab.experiments.run.Interruption;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.nn.data.Dataset;
import java.io.IOException;
import java.nio.file.Files;
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

    private static final int FAILED = 1;
    private static final int INTERRUPTED = 130;

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
            description = "Sizes of the perturbation in [0, 1] units, for example 8/255 or 1/255,2/255; NORM:SIZE is for one norm, for example "
                    + "linf:8/255,l2:0.5 (default: 8/255).")
    private List<String> eps = List.of("8/255");

    @Option(names = "--individual",
            description = "Let every attack see all images; else an attack sees those that survived the ones before it.")
    private boolean individual;

    @Option(names = "--no-record", description = "Leave the result of the run folder in --weights as it is.")
    private boolean noRecord;

    @Option(names = "--save", paramLabel = "FILE",
            description = "Write x, x_adv [n, c, h, w], y, pred, fooled_by and distance [n] to this npz file (one norm and one eps).")
    private @Nullable Path save;

    @Option(names = "--state", paramLabel = "FILE",
            description = "Write to FILE how far the evaluation has come, and go on from there if the file exists; it is removed at the end. Several "
                    + "norms or sizes get a file each.")
    private @Nullable Path state;

    @Option(names = "--self-test",
            description = "Try all attacks on a linear model whose exact robust accuracy is known, and do nothing else.")
    private boolean selfTest;

    AttackCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        if (selfTest) {
            return tryAttacks();
        }
        List<ThreatModel> threats = threats();
        threats.forEach(threat -> list.attacks(threat.ball()));
        if (save != null && threats.size() > 1) {
            throw UserError.usage("--save: needs one norm and one eps, but " + threats.size() + " combinations were asked for");
        }
        try (Device device = common.openDeviceOf(models.runFolder())) {
            Weights weights = models.load(common.seed());
            Optional<RunFolder> run = models.runFolder();
            DataOptions.Judges judges = images.load(weights, run, common.progress()::line);
            Dataset data = judges.images();
            Weights.summarize(weights.model(), data.shape(), device);
            List<RobustnessResult> results = new ArrayList<>();
            List<RunResult.AttackScore> scores = new ArrayList<>();
            for (ThreatModel threat : threats) {
                RobustnessResult result = evaluate(threat, stateOf(threat, threats.size()), weights, data, device);
                new AttackReport(threat, individual, result).lines().forEach(common::say);
                results.add(result);
                scores.addAll(AttackScores.of(list::label, list.together(), threat, result, individual));
                if (save != null) {
                    AttackReport.saveImages(save, data, result);
                }
            }
            if (run.isPresent()) {
                record(run.get(), judges.ofRun(), scores);
            }
            finish(threats, results);
            return 0;
        } catch (EvaluationStopped e) {
            common.progress().line(state == null ? "interrupted" : "interrupted; the state is safe. Go on with the same command");
            return INTERRUPTED;
        }
    }

    private RobustnessResult evaluate(ThreatModel threat, Optional<Path> file, Weights weights, Dataset data, Device device)
            throws IOException {
        RobustnessEvaluation evaluation = new RobustnessEvaluation(list.attacks(threat.ball()), threat, individual, images.batchSize(),
                common.seed());
        try (Interruption interruption = Interruption.handle(evaluation::requestStop)) {
            return evaluation.run(weights.model(), data, device, new AttackProgress(common.progress(), data.size()), file);
        }
    }

    private Optional<Path> stateOf(ThreatModel threat, int threats) {
        if (state == null) {
            return Optional.empty();
        }
        return Optional
                .of(threats == 1 ? state : state.resolveSibling(state.getFileName() + "-" + threat.ball().label() + "-" + threat.eps()));
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

    /// Writes the JSON: what every result says, with all of them under `results`; of a single one also its own keys, as the contract of the
    /// command line says. Removes the states.
    private void finish(List<ThreatModel> threats, List<RobustnessResult> results) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            all.add(new AttackReport(threats.get(i), individual, results.get(i)).json());
        }
        Map<String, Object> json = new LinkedHashMap<>(all.getFirst());
        if (results.size() > 1) {
            int n = results.getFirst().n();
            int union = AttackReport.robustToAll(results);
            common.say("robust to all of these " + AttackReport.percent(union, n));
            json.keySet().retainAll(List.of("n", "clean_accuracy"));
            json.put("robust_accuracy_union", union / (double) n);
        }
        json.put("results", all);
        common.writeJson(json);
        for (ThreatModel threat : threats) {
            Optional<Path> file = stateOf(threat, threats.size());
            if (file.isPresent()) {
                Files.deleteIfExists(file.get());
            }
        }
    }

    private int tryAttacks() throws IOException {
        try (Device device = common.openDevice()) {
            List<SelfTest.Row> rows = new SelfTest(device, common.seed()).run();
            List<Map<String, Object>> json = new ArrayList<>();
            boolean holds = true;
            for (SelfTest.Row row : rows) {
                String ratio = row.ratio().map(r -> String.format(Locale.ROOT, ", perturbations up to %.4f of the smallest", r)).orElse("");
                common.say(
                        String.format(Locale.ROOT, "%-4s %-4s eps %-8.4g %-8s robust %2d of %d, exactly %2d%s", row.holds() ? "ok" : "FAIL",
                                row.ball().label(), row.eps(), row.attack(), row.robust(), row.images(), row.exactRobust(), ratio));
                holds &= row.holds();
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("norm", row.ball().label());
                entry.put("attack", row.attack());
                entry.put("eps", (double) row.eps());
                entry.put("n", row.images());
                entry.put("robust", row.robust());
                entry.put("exact", row.exactRobust());
                row.ratio().ifPresent(r -> entry.put("largest_ratio", r));
                entry.put("holds", row.holds());
                json.add(entry);
            }
            common.say(holds ? "all attacks hold against the closed form" : "some attacks do not hold against the closed form");
            common.writeJson(Map.of("holds", holds, "attacks", json));
            return holds ? 0 : FAILED;
        }
    }

    private List<ThreatModel> threats() {
        List<ThreatModel> threats = new ArrayList<>();
        for (String norm : norms) {
            String label = norm.strip().toLowerCase(Locale.ROOT);
            int before = threats.size();
            for (String given : eps) {
                int colon = given.indexOf(':');
                if (colon >= 0 && !given.substring(0, colon).strip().toLowerCase(Locale.ROOT).equals(label)) {
                    continue;
                }
                try {
                    threats.add(new ThreatModel(ThreatModel.Ball.parse(label), Fractions.parse("--eps", given.substring(colon + 1))));
                } catch (IllegalArgumentException e) {
                    throw UserError.usage("--norm, --eps: " + e.getMessage());
                }
            }
            if (threats.size() == before) {
                throw UserError.usage("--eps: no size was given for the norm " + label);
            }
        }
        return threats;
    }
}
