package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.UserError;
import dev.normlab.lip.spectral.SvdMethod;

/// The value of the option `--svd`.
final class SvdNames {

    private SvdNames() {}

    /// The way to singular values of this name.
    ///
    /// @throws UserError if there is none
    static SvdMethod parse(String name) {
        try {
            return SvdMethod.parse(name);
        } catch (IllegalArgumentException e) {
            throw UserError.usage("--svd: " + e.getMessage());
        }
    }
}
