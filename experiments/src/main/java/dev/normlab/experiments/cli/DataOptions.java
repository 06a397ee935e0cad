package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.ImagesOfClasses;
import dev.normlab.experiments.run.RunningStatistics;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.DataSpec;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.train.BatchNormEstimate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which images to judge by.
final class DataOptions {

    private static final int STATISTICS_BATCH = 128;

    /// The forms of data, for help.
    static final String FORMS = "synthetic[:..], cifar10:DIR, cifar100:DIR, cifar10c:DIR,fog=3, folder:DIR[,size=N] or npz:FILE";

    @Option(names = "--data", paramLabel = "SPEC",
            description = DataOptions.FORMS + " (default: that of the run folder in --weights, else synthetic).")
    private @Nullable String data;

    @Option(names = "--split", paramLabel = "NAME", description = "train or test (default: test).")
    private String split = "test";

    @Option(names = "--limit", paramLabel = "N", description = "Use the first N images only.")
    private @Nullable Integer limit;

    @Option(names = "--batch-size", paramLabel = "N", description = "Images computed at a time (default: 128). Changes no result.")
    private int batchSize = 128;

    @Option(names = "--bn-statistics", paramLabel = "N",
            description = "Estimate batch norm's running statistics anew on at least N training images, in batches of 128 (default: 0, keep those of "
                    + "the weights). Statistics "
                    + "of the last steps do not fit weights that were still changing, under a constant learning rate or a strong decay.")
    private int statisticsImages;

    /// Images to judge by.
    ///
    /// @param ofRun whether they are test images of the data with which the run folder of the weights was made, so that results belong to
    ///     the run
    /// @param train the training images of the same data
    record Judges(Dataset images, boolean ofRun, Dataset train) {}

    /// Loads the images; what the user should know about them goes to `tell`.
    ///
    /// @param weights the model that shall judge them
    /// @param run     the run folder of the weights, if they are from one
    /// @throws IOException if the run folder cannot be read
    Judges load(Weights weights, Optional<RunFolder> run, Consumer<String> tell) throws IOException {
        if (limit != null) {
            requirePositive("--limit", limit);
        }
        requirePositive("--batch-size", batchSize);
        if (statisticsImages < 0) {
            throw UserError.usage("--bn-statistics: expected a number of images of at least 0, but got " + statisticsImages);
        }
        if (!split.equals("train") && !split.equals("test")) {
            throw UserError.usage("--split: expected train or test, but got " + split);
        }
        if (run.isPresent()) {
            List<MetricsLine> metrics = run.get().read().metrics();
            Map<String, String> settings = run.get().readInfo().settings();
            boolean fresh = settings.getOrDefault("init", "").isEmpty() && settings.getOrDefault("svc", "none").equals("none");
            if (fresh && statisticsImages == 0) { // other weights bring their statistics with them, and clipping estimates them
                RunningStatistics.remark(weights.model(), metrics.isEmpty() ? 0 : metrics.getLast().step())
                        .ifPresent(remark -> tell.accept("warning: " + remark));
            }
        }
        Optional<RunInfo> info = run.isPresent() ? Optional.of(run.get().readInfo()) : Optional.empty();
        String spec = data != null ? data : info.map(RunInfo::data).orElse("synthetic");
        boolean sameData = info.isPresent() && info.get().data().equals(spec);
        DataSplits splits = data == null && info.isPresent() ? DataSource.loadOfRun(spec) : DataSource.load(spec);
        splits.notices().forEach(tell);
        if (data == null) {
            tell.accept((info.isPresent() ? "data of the run: " + spec : "data: synthetic, since neither --data nor a run says other")
                    + ", " + split + " images");
        }
        Dataset images = splits.split(split);
        if (sameData) {
            images = images
                    .first(Math.clamp(split.equals("test") ? info.get().testImages() : info.get().trainImages(), 1, images.size()));
        }
        boolean own = sameData && isOfRun(images, split, info.get());
        if (sameData && !own) {
            tell.accept("the " + split + " images of " + spec + " are not those of the run (their hash differs): images have come, gone or "
                    + "changed, and some may be images that the run was trained on; nothing is added to the run");
        }
        if (limit != null) {
            ImagesOfClasses.missing(images, images.first(limit)).ifPresent(tell);
            images = images.first(limit);
        }
        if (images.classes() > weights.spec().classes()) {
            throw UserError.failure(
                    "the data has " + Numbers.counted(images.classes(), "class", "classes") + ", but the model " + weights.spec() + " only "
                            + weights.spec().classes());
        }
        if (images.classes() < weights.spec().classes()) {
            tell.accept(
                    "the data has " + Numbers.counted(images.classes(), "class", "classes") + ", but the model " + weights.spec().classes()
                            + ": class 0 of the data is taken for class 0 of the model, and so on");
        }
        Dataset train = splits.train();
        if (sameData) {
            train = train.first(Math.clamp(info.get().trainImages(), 1, train.size()));
            if (statisticsImages > 0 && !isOfRun(train, "train", info.get())) {
                tell.accept("the train images of " + spec + " are not those of the run (their hash differs): batch norm's statistics are "
                        + "estimated on others than the run was trained on");
            }
        }
        return new Judges(images, own && split.equals("test"), train);
    }

    /// Estimates the statistics of batch norm if `--bn-statistics` asks for it, on training images in the order that the seed draws.
    ///
    /// @return on how many images; 0 if it did not
    /// @throws UserError if the data has no training images of its own
    int estimateStatistics(Weights weights, Judges judges, long seed, Device device, Consumer<String> tell) {
        if (statisticsImages == 0) {
            return 0;
        }
        if (data != null && DataSource.parse(data) instanceof DataSpec.Cifar10C) {
            refuseStatistics();
        }
        try (BatchLoader.Epoch batches = BatchLoader.shuffled(judges.train(), STATISTICS_BATCH, seed, null).epoch(0)) {
            int taken = BatchNormEstimate.estimate(weights.model(), batches, statisticsImages, 0, device);
            int count = (int) Math.min((long) taken * STATISTICS_BATCH, judges.train().size());
            tell.accept(taken == 0
                    ? "the model has no running statistics to estimate"
                    : "batch norm's running statistics are estimated anew on " + count + " training images");
            return count;
        }
    }

    /// Fails if `--bn-statistics` was given, for data without training images.
    ///
    /// @throws UserError if it was
    void refuseStatistics() {
        if (statisticsImages != 0) {
            throw UserError.usage("--bn-statistics: CIFAR-10-C has no training images");
        }
    }

    /// Whether images are those with which a run was made; runs of old versions do not say it.
    private static boolean isOfRun(Dataset images, String split, RunInfo info) {
        String known = info.provenance().get(split + "_data_sha256");
        return known == null || known.equals(images.contentHash());
    }

    /// The folder of CIFAR-10-C, if all of it was named and not one corruption.
    Optional<Path> allCorruptions() {
        if (limit != null) {
            requirePositive("--limit", limit);
        }
        requirePositive("--batch-size", batchSize);
        return data != null && DataSource.parse(data) instanceof DataSpec.Cifar10C images && images.corruption() == null
                ? Optional.of(images.folder())
                : Optional.empty();
    }

    /// The first images, as many as `--limit` says.
    Dataset limited(Dataset images) {
        return limit == null ? images : images.first(limit);
    }

    int batchSize() {
        return batchSize;
    }

    static void requirePositive(String option, int value) {
        if (value < 1) {
            throw UserError.usage(option + ": expected a number of at least 1, but got " + value);
        }
    }
}
