package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.nn.model.ModelSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// One training run as a report shows it.
///
/// @param name a short name, different from those of the other runs in the report
/// @param settings what determines the result, as names and texts
/// @param provenance where and with what it ran, as names and texts
/// @param epochs the metrics, by epoch
/// @param norms the norms of every layer over training, in module order within an epoch; epoch 0 is before training
/// @param clean the images of the test set classified correctly at the end, or nothing if that was not measured
/// @param robust the accuracy under attacks at the end, and what was certified; may be empty
/// @param seconds the time of the run, in seconds; NaN if it is not known
/// @param remarks what a reader must know, for example that the run did not finish, as sentences
public record RecordedRun(String name, Map<String, String> settings, Map<String, String> provenance, List<Epoch> epochs,
        List<LayerNorm> norms,
        Optional<Proportion> clean, List<RobustAccuracy> robust, double seconds, List<String> remarks) {

    private static final String LATER = "; later ";
    private static final String PLAIN = "plain";

    /// Copies the collections and keeps their order.
    public RecordedRun {
        settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
        provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
        epochs = List.copyOf(epochs);
        norms = List.copyOf(norms);
        robust = List.copyOf(robust);
        remarks = List.copyOf(remarks);
    }

    /// The metrics of an epoch; a value that was not measured is NaN.
    ///
    /// @param epoch the number of completed epochs, from 1
    /// @param trainLoss the mean training loss over the epoch
    /// @param trainAccuracy the training accuracy over the epoch, in [0, 1]
    /// @param testAccuracy the accuracy on the test set after the epoch, in [0, 1]
    /// @param normSum the sum of the l1 norms of convolutions and linear layers after the epoch
    /// @param normSumBn the sum of the l1 norms of the batch-norm layers after the epoch
    public record Epoch(int epoch, double trainLoss, double trainAccuracy, double testAccuracy, double normSum, double normSumBn) {}

    /// The norms of a layer after an epoch.
    ///
    /// @param epoch the number of completed epochs; 0 before training
    /// @param layer the layer's name
    /// @param kind `conv`, `linear` or `bn`
    /// @param l1 the layer's l1 norm
    /// @param linf the layer's linf norm
    public record LayerNorm(int epoch, String layer, String kind, double l1, double linf) {

        /// Whether the layer is a batch norm.
        public boolean isBatchNorm() {
            return kind.equals("bn");
        }
    }

    /// The accuracy under an attack.
    ///
    /// @param attack the attack's name
    /// @param norm the norm of the perturbation, `linf`, `l2` or `l1`
    /// @param eps the size of the perturbation, in [0, 1] pixel units
    /// @param survived the attacked images that were still classified correctly; or, certified, those that no perturbation can change
    public record RobustAccuracy(String attack, String norm, double eps, Proportion survived) {

        /// The attack with its norm and size, for example `pgd-20, linf 8/255`.
        public String label() {
            return attack + ", " + size();
        }

        /// The norm and the size, for example `linf 8/255`.
        String size() {
            double pixels = eps * 255;
            boolean whole = norm.equals("linf") && pixels > 0.5 && Math.abs(pixels - Math.rint(pixels)) < 1e-4;
            return norm + " " + (whole ? Math.round(pixels) + "/255" : Numbers.significant(eps, 3));
        }

        /// Whether it is a proof and not an attack.
        boolean isCertified() {
            return attack.equals(RunResult.AttackScore.CERTIFIED);
        }
    }

    /// The accuracy under attacks, without what was certified.
    List<RobustAccuracy> attacks() {
        return robust.stream().filter(one -> !one.isCertified()).toList();
    }

    /// What was certified, by norm and then by size.
    List<RobustAccuracy> certified() {
        return robust.stream().filter(RobustAccuracy::isCertified)
                .sorted(Comparator.comparing(RobustAccuracy::norm).thenComparingDouble(RobustAccuracy::eps)).toList();
    }

    /// The name, and after how many of its epochs the run stands if that is not after all.
    String nameWithProgress() {
        return isWhole() ? name : name + " (after " + completedEpochs() + " of " + plannedEpochs() + " epochs)";
    }

    /// Whether the run has completed all of its epochs, as far as their number is known.
    boolean isWhole() {
        String planned = plannedEpochs();
        return planned.isEmpty() || planned.equals(Integer.toString(completedEpochs()));
    }

    /// The number of epochs that the run is to have; empty if that is not known.
    String plannedEpochs() {
        return settings.getOrDefault("epochs", "");
    }

    /// Whether it makes sense to set figures of this run beside those of another: both trained the same model on the same data.
    boolean isComparableWith(RecordedRun other) {
        return List.of("model", "data", "training images", "test images").stream()
                .allMatch(key -> Objects.equals(settings.get(key), other.settings.get(key)));
    }

    /// Whether its training was changed in no way that is compared here: no decay, projection or clipping of norms, no adversarial images.
    boolean isPlain() {
        return PLAIN.equals(settings.get("method")) && !settings.containsKey("adv_loss")
                && Stream.of("norm_decay", "project_bn", "svc").allMatch(key -> settings.getOrDefault(key, "none").equals("none"));
    }

    /// The run that others are compared with: the first plain one, or else the first.
    ///
    /// @param runs at least one
    static RecordedRun base(List<RecordedRun> runs) {
        return runs.stream().filter(RecordedRun::isPlain).findFirst().orElse(runs.getFirst());
    }

    /// Runs by what makes them comparable, the same model and data, in the order of the first of each group: a figure of one group never
    /// mixes models or data.
    public static List<List<RecordedRun>> comparable(List<RecordedRun> runs) {
        List<List<RecordedRun>> groups = new ArrayList<>();
        for (RecordedRun run : runs) {
            groups.stream().filter(group -> group.getFirst().isComparableWith(run)).findFirst().orElseGet(() -> {
                groups.add(new ArrayList<>());
                return groups.getLast();
            }).add(run);
        }
        return groups;
    }

    /// The groups of [#comparable(List)] by the prefix of their files: none for a single group, else `group-1-`, `group-2-` and so on.
    public static Map<String, List<RecordedRun>> groups(List<RecordedRun> runs) {
        List<List<RecordedRun>> comparable = comparable(runs);
        Map<String, List<RecordedRun>> groups = new LinkedHashMap<>();
        comparable.forEach(group -> groups.put(comparable.size() == 1 ? "" : "group-" + (groups.size() + 1) + "-", group));
        return groups;
    }

    /// The last epoch with norms, or nothing without any.
    OptionalInt lastNormEpoch() {
        return norms.stream().mapToInt(LayerNorm::epoch).max();
    }

    /// The norms after the last epoch that has them, of the batch-norm layers or of the others.
    public List<LayerNorm> lastNorms(boolean batchNorm) {
        int last = lastNormEpoch().orElse(-1);
        return norms.stream().filter(norm -> norm.epoch() == last && norm.isBatchNorm() == batchNorm).toList();
    }

    /// The sum of l1 norms over the epochs, of the batch-norm layers or of the others: of the recorded norms where there are any, else of
    /// the metrics.
    public Map<Integer, Double> normSums(boolean batchNorm) {
        Map<Integer, Double> sums = new LinkedHashMap<>();
        for (LayerNorm norm : norms) {
            sums.merge(norm.epoch(), norm.isBatchNorm() == batchNorm ? norm.l1() : 0, Double::sum);
        }
        if (sums.isEmpty()) {
            epochs.forEach(epoch -> sums.put(epoch.epoch(), batchNorm ? epoch.normSumBn() : epoch.normSum()));
        }
        return sums;
    }

    /// The sum of l1 norms after the last epoch, or NaN if there is none.
    public double lastNormSum(boolean batchNorm) {
        return normSums(batchNorm).entrySet().stream().max(Map.Entry.comparingByKey()).map(Map.Entry::getValue).orElse(Double.NaN);
    }

    /// The number of completed epochs.
    int completedEpochs() {
        return epochs.stream().mapToInt(Epoch::epoch).max().orElse(0);
    }

    /// What is added to the name of a run.
    private interface Suffix {

        /// @param alike all folders whose runs have its name, itself included
        String of(RunFolder.Contents folder, List<RunFolder.Contents> alike);
    }

    /// The runs that folders hold. Runs of the same name are told apart by their seeds where these differ, or else by the names of their
    /// folders, with as many of the folders around them as it takes.
    public static List<RecordedRun> allOf(List<RunFolder.Contents> folders) {
        List<RecordedRun> runs = folders.stream().map(RecordedRun::of).toList();
        for (Suffix suffix : List.<Suffix>of((folder, _) -> seed(folder.info(), folders), RecordedRun::folderName)) {
            List<String> names = runs.stream().map(RecordedRun::name).toList();
            List<RecordedRun> told = new ArrayList<>();
            for (int i = 0; i < runs.size(); i++) {
                String name = names.get(i);
                List<RunFolder.Contents> alike = IntStream.range(0, names.size()).filter(other -> names.get(other).equals(name))
                        .mapToObj(folders::get).toList();
                told.add(alike.size() == 1 ? runs.get(i) : runs.get(i).withName(name + suffix.of(folders.get(i), alike)));
            }
            runs = told;
        }
        return runs;
    }

    private static String seed(RunInfo run, List<RunFolder.Contents> folders) {
        boolean differ = folders.stream().map(RunFolder.Contents::info)
                .anyMatch(other -> other.name().equals(run.name()) && other.seed() != run.seed());
        return differ ? " (seed " + run.seed() + ")" : "";
    }

    private static String folderName(RunFolder.Contents folder, List<RunFolder.Contents> alike) {
        int depth = 1;
        while (!isOnlyOne(folder, alike, depth)) {
            depth++;
        }
        String name = lastOf(folder, depth).toString();
        return name.equals(folder.info().name()) ? "" : " (" + name + ")";
    }

    private static boolean isOnlyOne(RunFolder.Contents folder, List<RunFolder.Contents> alike, int depth) {
        return depth >= folder.path().toAbsolutePath().getNameCount()
                || alike.stream().filter(other -> lastOf(other, depth).equals(lastOf(folder, depth))).count() == 1;
    }

    // The last names of a folder's path.
    private static Path lastOf(RunFolder.Contents folder, int depth) {
        Path path = folder.path().toAbsolutePath().normalize();
        int count = path.getNameCount();
        return count == 0 ? path : path.subpath(Math.max(0, count - depth), count);
    }

    RecordedRun withName(String other) {
        return new RecordedRun(other, settings, provenance, epochs, norms, clean, robust, seconds, remarks);
    }

    /// The model of a run in its shortest form: runs that began from the weights of another write it in full.
    static String modelOf(RunInfo info) {
        try {
            return ModelSpec.parse(info.model()).shortText();
        } catch (IllegalArgumentException e) {
            return info.model(); // of a version that knows other models
        }
    }

    /// The run that a folder holds.
    public static RecordedRun of(RunFolder.Contents contents) {
        RunInfo info = contents.info();
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("model", modelOf(info));
        settings.put("data", info.data());
        settings.put("training images", Long.toString(info.trainImages()));
        settings.put("test images", Long.toString(info.testImages()));
        settings.put("method", info.method());
        settings.put("epochs", Integer.toString(info.epochs()));
        settings.put("seed", Long.toString(info.seed()));
        settings.putAll(info.settings());
        Map<String, String> provenance = new LinkedHashMap<>(info.provenance());
        provenance.put("command", info.command());
        provenance.put("started", info.started().toString());
        // A run that went on elsewhere has both in its row: `25.0.2; later 25.0.3`.
        contents.later().forEach(line -> line.provenance().forEach((key, value) -> provenance.merge(key, value,
                (before, now) -> before.equals(now) || before.endsWith(LATER + now) ? before : before + LATER + now)));
        List<Epoch> epochs = contents.metrics().stream().map(RecordedRun::epoch).toList();
        List<LayerNorm> norms = contents.norms().stream().map(RecordedRun::norm).toList();
        Optional<RunResult> result = contents.result();
        Optional<Proportion> clean = result.map(RunResult::clean).map(score -> new Proportion(score.correct(), score.n()));
        List<RobustAccuracy> robust = result.map(RunResult::attacks).orElse(List.of()).stream().map(RecordedRun::robust).toList();
        double lastSeconds = contents.metrics().isEmpty() ? Double.NaN : contents.metrics().getLast().seconds();
        return new RecordedRun(info.name(), settings, provenance, epochs, norms, clean, robust, result.map(RunResult::seconds).orElse(
                lastSeconds),
                remarks(contents));
    }

    private static Epoch epoch(MetricsLine line) {
        return new Epoch(line.epoch(), line.loss(), line.accuracy(), line.testAccuracy(), line.normSumL1(), line.normSumL1Bn());
    }

    private static LayerNorm norm(NormLine line) {
        return new LayerNorm(line.epoch(), line.layer(), line.kind(), line.l1(), line.linf());
    }

    private static RobustAccuracy robust(RunResult.AttackScore score) {
        return new RobustAccuracy(score.name(), score.norm(), score.eps(), new Proportion(score.correct(), score.n()));
    }

    private static List<String> remarks(RunFolder.Contents contents) {
        List<String> remarks = new ArrayList<>(contents.remarks());
        if (contents.result().isEmpty()) {
            remarks.add("The run has not ended: there is no result yet.");
        }
        contents.result().filter(result -> result.status() != RunResult.Status.FINISHED).ifPresent(result -> {
            String how = result.status() == RunResult.Status.DIVERGED ? "diverged" : "was interrupted";
            remarks.add(("The run " + how + " after " + result.epochs() + " of "
                    + Numbers.counted(contents.info().epochs(), "epoch", "epochs") + ". " + result.message()).strip());
        });
        contents.result().filter(result -> result.status() == RunResult.Status.FINISHED && !result.message().isEmpty())
                .ifPresent(result -> remarks.add(result.message() + "."));
        String init = contents.info().settings().getOrDefault("init", "");
        if (!init.isEmpty()) {
            remarks.add("The run began from the weights in " + init + ", and not from random ones.");
        }
        return remarks;
    }
}
