package dev.normlab.experiments.run;

import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.DataSpec;
import dev.normlab.nn.data.DataSplits;

/// Data as the command line names it.
public final class DataSource {

    private DataSource() {}

    /// Loads both splits.
    ///
    /// @throws UserError                      if the text is no data specification
    /// @throws dev.normlab.nn.data.DataException if the data is missing or damaged
    public static DataSplits load(String spec) {
        return parse(spec).load();
    }

    /// Loads both splits of data that has training images of its own.
    ///
    /// @throws UserError as [#load], and for CIFAR-10-C, which has test images only
    public static DataSplits loadToTrainOn(String spec) {
        if (parse(spec) instanceof DataSpec.Cifar10C) {
            throw UserError.usage("--data: CIFAR-10-C has test images only: train on cifar10:DIR, and evaluate or attack on " + spec);
        }
        return load(spec);
    }

    /// Reads a specification; no file is touched.
    ///
    /// @throws UserError if the text is no data specification
    public static DataSpec parse(String spec) {
        try {
            return DataSpec.parse(spec);
        } catch (DataException e) {
            throw UserError.usage("--data: " + e.getMessage());
        }
    }
}
