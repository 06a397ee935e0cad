package dev.normlab.experiments.cli;

import dev.normlab.attacks.EvaluationStopped;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.SelfTest;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.AtomicFile;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.run.AdversarialSettings;
import dev.normlab.experiments.run.AttackScores;
import dev.normlab.experiments.run.Certification;
import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Interruption;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.lip.norm.NormException;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.model.Head;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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
    private static final List<String> EPS = List.of("linf:8/255", "l2:0.5", "l1:12");

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Mixin
    private final DataOptions images = new DataOptions();

    @Mixin
    private final AttackListOptions list = new AttackListOptions();

    @Option(names = "--norm", paramLabel = "LIST", split = ",",
            description = "Any of linf, l2, l1 (default: those that --eps names, or linf).")
    private @Nullable List<String> norms;

    @Option(names = "--eps", paramLabel = "LIST", split = ",",
            description = "Sizes of the perturbation in [0, 1] units, for example 8/255 or 1/255,2/255; NORM:SIZE is for one norm, for example "
                    + "linf:4/255,l2:0.5 (default: linf:8/255,l2:0.5,l1:12, those of AutoAttack's benchmark on CIFAR-10).")
    private @Nullable List<String> eps;

    @Option(names = "--individual",
            description = "Let every attack see all images; else an attack sees those that survived the ones before it.")
    private boolean individual;

    @Option(names = "--no-record", description = "Leave the result of the run folder in --weights as it is.")
    private boolean noRecord;

    @Option(names = "--save", paramLabel = "FILE",
            description = "Write x, x_adv [n, c, h, w], y, pred, fooled_by, distance and, with --certify, certified_radius [n] to this "
                    + "npz file (one norm and one eps); where --target leaves images out, also index [n], their numbers in the data. fooled_by is "
                    + "the attack's place in the list, from 0; -1 for none, -2 where the model was wrong before.")
    private @Nullable Path save;

    @Option(names = "--picture", paramLabel = "FILE",
            description = "Draw the first images that were fooled, at most eight, to this PNG file: clean, adversarial, and the difference magnified, with "
                    + "labels and predictions (one norm and one eps).")
    private @Nullable Path picture;

    @Option(names = "--certify",
            description = "Also prove from norms of the layers which images no perturbation can change: a lower bound beside the attacks' upper bound. "
                    + "Says little of large networks, and says how little.")
    private boolean certify;

    @Option(names = "--state", paramLabel = "FILE",
            description = "Write to FILE how far the evaluation has come, and go on from there if the file exists; it is removed at the end. Several "
                    + "norms or sizes get a file each.")
    private @Nullable Path state;

    @Option(names = "--state-every", paramLabel = "S", description = "Write the state every S seconds; 0 after every batch (default: 20).")
    private double stateEvery = 20;

    @Option(names = "--self-test",
            description = "Try all attacks on a linear model whose exact robust accuracy is known, and do nothing else.")
    private boolean selfTest;

    // Training images on which batch norm's statistics were estimated anew; 0 if they are those of the weights.
    private int statistics;

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
        tellSharedSizes();
        requireFiles(threats.size());
        try (Device device = common.openDeviceOf(models.runFolder())) {
            Weights weights = models.load(common.seed());
            requireCertifiable(weights);
            Optional<RunFolder> run = models.runFolder();
            DataOptions.Judges judges = images.load(weights, run, common.progress()::line);
            Dataset data = list.readTargets(weights.spec().classes(), judges.images(), common.progress()::line);
            Weights.summarize(weights.model(), data.shape(), device);
            statistics = images.estimateStatistics(weights, judges, common.seed(), device, common.progress()::line);
            common.progress().line("attacking " + weights.spec() + ", " + weights.source());
            long start = System.nanoTime();
            Optional<Certification> certificate = certificate(weights, data, device);
            double certifying = (System.nanoTime() - start) / 1e9;
            Optional<AdversarialSettings> training = run.isPresent()
                    ? AdversarialSettings.parse(run.get().readInfo().settings())
                    : Optional.empty();
            List<AttackReport> reports = new ArrayList<>();
            List<RunResult.AttackScore> scores = new ArrayList<>();
            for (ThreatModel threat : threats) {
                List<String> remarks = training.flatMap(settings -> settings.almost(threat)).stream().toList();
                remarks.forEach(remark -> common.progress().line("warning: " + remark));
                RobustnessResult result = evaluate(threat, threats.size(), weights, data, device);
                AttackReport report = new AttackReport(threat, individual, list.labels(threat.ball()), result, certificate,
                        indices(judges.images(), data), remarks);
                report.lines().forEach(common::say);
                reports.add(report);
                scores.addAll(AttackScores.of(list.labels(threat.ball()), list.together(), threat, result, individual));
                certificate.ifPresent(some -> scores.addAll(AttackScores.certified(threat, some, data.size(), certifying)));
                writeImages(report, data);
            }
            if (run.isPresent()) {
                record(run.get(), judges.ofRun(), scores);
            }
            finish(reports);
            return 0;
        } catch (EvaluationStopped e) {
            common.progress().line(state == null ? "interrupted" : "interrupted; the state is safe. Go on with the same command");
            return INTERRUPTED;
        }
    }

    private void requireFiles(int threats) {
        Map<String, Optional<Path>> files = new LinkedHashMap<>();
        files.put("--save", Optional.ofNullable(save));
        files.put("--picture", Optional.ofNullable(picture));
        files.forEach((option, file) -> {
            if (file.isPresent() && threats > 1) {
                throw UserError.usage(option + ": needs one norm and one eps, but " + threats + " combinations were asked for");
            }
        });
        files.put("--state", Optional.ofNullable(state));
        files.forEach((option, file) -> file.ifPresent(path -> CommonOptions.requireWritable(option, path)));
        CommonOptions.requireEnding("--save", save, ".npz");
        CommonOptions.requireEnding("--picture", picture, ".png");
        if (!(stateEvery >= 0 && stateEvery < Double.POSITIVE_INFINITY)) {
            throw UserError.usage("--state-every: expected a number of seconds of at least 0, but got " + stateEvery);
        }
    }

    private void requireCertifiable(Weights weights) {
        if (certify && weights.spec().head() == Head.COSINE) {
            throw UserError.usage("--certify: expected a model with a linear last layer, whose norm bounds how fast logits change, but "
                    + weights.spec() + " gives cosines, which change as fast as one likes where its features are short; attack it without "
                    + "--certify");
        }
    }

    private Optional<Certification> certificate(Weights weights, Dataset data, Device device) {
        if (!certify) {
            return Optional.empty();
        }
        try {
            return Optional.of(Certification.of(weights.model(), data, images.batchSize(), device));
        } catch (NormException e) {
            common.progress().line("no certificate: " + e.getMessage());
            return Optional.empty();
        }
    }

    /// The numbers of the attacked images in the data, if some were left out.
    private static Optional<int[]> indices(Dataset all, Dataset attacked) {
        return all.size() == attacked.size()
                ? Optional.empty()
                : Optional.of(IntStream.range(0, attacked.size()).map(attacked::record).toArray());
    }

    private void writeImages(AttackReport report, Dataset data) throws IOException {
        if (save != null) {
            report.saveImages(save, data);
            common.say("images: " + save);
        }
        if (picture != null) {
            if (AttackPicture.write(picture, data, report.result()) == 0) {
                common.progress().line("no image was fooled, so that there is nothing to draw in " + picture);
            } else {
                common.say("picture: " + picture);
            }
        }
    }

    private RobustnessResult evaluate(ThreatModel threat, int threats, Weights weights, Dataset data, Device device) throws IOException {
        Optional<Path> file = stateOf(threat, threats);
        if (file.isPresent() && Files.exists(file.get())) {
            common.progress().line("there is a state in " + file.get() + "; going on from it if it is of this evaluation");
        }
        String prefix = threats == 1 ? "" : threat.ball().label() + " " + Numbers.size(threat.eps()) + ": ";
        RobustnessEvaluation evaluation = new RobustnessEvaluation(list.attacks(threat.ball()), threat, individual, images.batchSize(),
                common.seed()).savingEvery(stateEvery);
        try (Interruption interruption = Interruption.handle(evaluation::requestStop)) {
            AttackProgress progress = new AttackProgress(common.progress(), prefix, data.size(), System::nanoTime);
            return evaluation.run(weights.model(), data, device, progress, file);
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
        if (statistics > 0 || !models.areFinal()) {
            common.progress().line("not recorded in " + run.path() + ": these are not the "
                    + (statistics > 0 ? "statistics of batch norm" : "weights") + " with which the run ended");
            return;
        }
        if (!ofRun) {
            common.progress().line("not recorded in " + run.path() + ": these are not the test images of the run");
            return;
        }
        try (FolderLock lock = new FolderLock(run.path())) {
            lock.acquire();
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
    private void finish(List<AttackReport> reports) throws IOException {
        List<Map<String, Object>> all = reports.stream().map(AttackReport::json).toList();
        Map<String, Object> json = new LinkedHashMap<>(all.getFirst());
        if (reports.size() > 1) {
            int n = reports.getFirst().result().n();
            int union = AttackReport.robustToAll(reports.stream().map(AttackReport::result).toList());
            List<AttackReport.CurvePoint> curve = AttackReport.curve(reports);
            curve.forEach(point -> common.say(String.format(Locale.ROOT, "robust to %s up to %-9s %s", point.threat().ball().label(),
                    Numbers.size(point.threat().eps()), AttackReport.percent(point.correct(), n))));
            common.say("robust to all of these " + AttackReport.percent(union, n));
            json.keySet().retainAll(List.of("n", "clean_accuracy"));
            json.put("robust_accuracy_union", union / (double) n);
            json.put("robust_accuracy_union_95", AttackReport.interval(union, n));
            json.put("curve", curve.stream().map(AttackReport.CurvePoint::json).toList());
        }
        json.put("results", all);
        if (statistics > 0) {
            json.put("bn_statistics_images", statistics);
        }
        common.writeJson(json);
        for (AttackReport report : reports) {
            Optional<Path> file = stateOf(report.threat(), reports.size());
            if (file.isPresent()) {
                remove(file.get());
            }
        }
    }

    /// Removes a state, and what processes left of it that were killed while they wrote it.
    private static void remove(Path file) throws IOException {
        Files.deleteIfExists(file);
        String name = String.valueOf(file.getFileName());
        Path folder = file.toAbsolutePath().getParent();
        try (Stream<Path> files = Files.list(Objects.requireNonNull(folder))) {
            for (Path left : files.filter(one -> AtomicFile.unfinished(one).filter(name::equals).isPresent()).toList()) {
                Files.deleteIfExists(left);
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
                        String.format(Locale.ROOT, "%-4s %-4s eps %-8.4g %-8s robust %2d of %d, exactly %2d, at most %2d allowed%s",
                                row.holds() ? "ok" : "FAIL", row.ball().label(), row.eps(), row.attack(), row.robust(), row.images(),
                                row.exactRobust(), row.mostRobust(), ratio));
                holds &= row.holds();
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("norm", row.ball().label());
                entry.put("attack", row.attack());
                entry.put("eps", (double) row.eps());
                entry.put("n", row.images());
                entry.put("robust", row.robust());
                entry.put("exact", row.exactRobust());
                entry.put("at_most", row.mostRobust());
                row.ratio().ifPresent(r -> entry.put("largest_ratio", r));
                entry.put("holds", row.holds());
                json.add(entry);
            }
            common.say(holds
                    ? "all attacks hold against the closed form: none fools more images than can be fooled, nor fewer than an attack of "
                            + "its kind must; apgd-t, fab and fab-t fool all of these in linf and l2"
                    : "some attacks do not hold against the closed form");
            common.writeJson(Map.of("holds", holds, "attacks", json));
            return holds ? 0 : FAILED;
        }
    }

    /// One norm and size, or sizes for which no norm was named.
    ///
    /// @param norm empty where the size is for all norms
    private record Size(Optional<ThreatModel.Ball> norm, String text) {

        static Size of(String given) {
            int colon = given.indexOf(':');
            return new Size(colon < 0 ? Optional.empty() : Optional.of(ball("--eps", given.substring(0, colon))),
                    given.substring(colon + 1));
        }

        ThreatModel in(ThreatModel.Ball ball) {
            try {
                return new ThreatModel(ball, Fractions.parse("--eps", text));
            } catch (IllegalArgumentException e) {
                throw UserError.usage("--norm, --eps: " + e.getMessage());
            }
        }
    }

    private static ThreatModel.Ball ball(String option, String name) {
        try {
            return ThreatModel.Ball.parse(name.strip());
        } catch (IllegalArgumentException e) {
            throw UserError.usage(option + ": " + e.getMessage());
        }
    }

    /// A size for one norm means nothing, or everything, in another one.
    private void tellSharedSizes() {
        Optional<String> shared = eps == null ? Optional.empty() : eps.stream().filter(size -> !size.contains(":")).findFirst();
        if (norms != null && norms.stream().map(norm -> norm.strip().toLowerCase(Locale.ROOT)).distinct().count() > 1
                && shared.isPresent()) {
            common.progress().line("warning: --eps " + shared.get() + " is taken for all of " + String.join(", ", norms)
                    + ", which measure differently; name the norm of a size, as in --eps linf:8/255,l2:0.5");
        }
    }

    /// Every norm with its sizes, in the order in which they were given, each once.
    private List<ThreatModel> threats() {
        List<Size> sizes = (eps == null ? EPS : eps).stream().map(Size::of).toList();
        Set<ThreatModel.Ball> balls = new LinkedHashSet<>();
        if (norms != null) {
            norms.forEach(norm -> balls.add(ball("--norm", norm)));
        } else if (eps == null) {
            balls.add(ThreatModel.Ball.LINF);
        } else {
            sizes.forEach(size -> balls.add(size.norm().orElse(ThreatModel.Ball.LINF)));
        }
        Set<ThreatModel> threats = new LinkedHashSet<>();
        for (ThreatModel.Ball ball : balls) {
            List<Size> own = sizes.stream().filter(size -> size.norm().orElse(ball) == ball).toList();
            if (own.isEmpty()) {
                throw UserError.usage("--eps: no size was given for the norm " + ball.label());
            }
            own.forEach(size -> threats.add(size.in(ball)));
        }
        if (eps != null) {
            sizes.stream().flatMap(size -> size.norm().stream()).filter(ball -> !balls.contains(ball)).findFirst().ifPresent(ball -> {
                throw UserError.usage("--eps: there is a size for the norm " + ball.label() + ", which --norm leaves out; add it there, or "
                        + "leave the size out");
            });
        }
        return List.copyOf(threats);
    }
}
