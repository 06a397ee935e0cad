package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.Dataset;
import picocli.CommandLine.Option;

/// Which images to judge by.
final class DataOptions {

    @Option(names = "--data", paramLabel = "SPEC",
            description = "synthetic[:..], cifar10:DIR, cifar100:DIR, folder:DIR or npz:FILE (default: synthetic).")
    private String data = "synthetic";

    @Option(names = "--split", paramLabel = "NAME", description = "train or test (default: test).")
    private String split = "test";

    @Option(names = "--limit", paramLabel = "N", description = "Use the first N images only.")
    private int limit = Integer.MAX_VALUE;

    @Option(names = "--batch-size", paramLabel = "N", description = "Images computed at a time (default: 128). Changes no result.")
    private int batchSize = 128;

    /// Loads the images.
    ///
    /// @param weights the model that shall judge them
    Dataset load(Weights weights) {
        requirePositive("--limit", limit);
        requirePositive("--batch-size", batchSize);
        if (!split.equals("train") && !split.equals("test")) {
            throw UserError.usage("--split: expected train or test, but got " + split);
        }
        Dataset images = DataSource.load(data).split(split).first(limit);
        if (images.classes() > weights.spec().classes()) {
            throw UserError.failure(
                    "the data has " + images.classes() + " classes, but the model " + weights.spec() + " only " + weights.spec().classes());
        }
        return images;
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
