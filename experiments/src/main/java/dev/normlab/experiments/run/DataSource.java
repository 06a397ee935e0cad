package dev.normlab.experiments.run;

import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.DataSpec;
import dev.normlab.nn.data.DataSplits;
import java.util.regex.Matcher;

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

    /// Loads both splits of the data of a run.
    ///
    /// @throws UserError if it is not there: a path in it may be relative to the folder in which the run was started
    public static DataSplits loadOfRun(String spec) {
        try {
            return load(spec);
        } catch (DataException e) {
            throw UserError
                    .failure("the data of the run, " + spec + ": " + e.getMessage() + " (A relative path in it counts from the folder in "
                            + "which train was started: go there, or, unless you resume, say with --data where the images are.)");
        }
    }

    /// Loads both splits of data that has training images of its own, of at least two classes.
    ///
    /// @throws UserError as [#load], for CIFAR-10-C, which has test images only, and for a single class
    public static DataSplits loadToTrainOn(String spec) {
        if (parse(spec) instanceof DataSpec.Cifar10C) {
            throw UserError.usage("--data: CIFAR-10-C has test images only: train on cifar10:DIR, and evaluate or attack on " + spec);
        }
        DataSplits data = load(spec);
        if (data.train().classes() < 2) {
            throw UserError.failure("--data: there is nothing to learn from a single class, but " + spec + " has only "
                    + data.train().classNames() + "; does the path name the folder above the folders of the classes?");
        }
        return data;
    }

    /// Reads a specification; no file is touched.
    ///
    /// @throws UserError if the text is no data specification
    public static DataSpec parse(String spec) {
        try {
            return DataSpec.parse(spec);
        } catch (DataException e) {
            String kind = spec.split(":", 2)[0];
            String hint = DataSpec.KINDS.contains(kind) ? "" : Nearest.hint(kind, DataSpec.KINDS);
            throw UserError.usage(
                    "--data: " + String.valueOf(e.getMessage()).replaceFirst("; choose", Matcher.quoteReplacement(hint) + "; choose"));
        }
    }
}
