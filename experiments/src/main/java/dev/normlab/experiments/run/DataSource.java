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
