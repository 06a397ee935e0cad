package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.UserError;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.ImageShape;

/// Sizes of images on the command line.
final class Images {

    private Images() {}

    /// Sizes written as `3x32x32`: channels, height, width.
    ///
    /// @throws UserError if the text is something else
    static ImageShape parse(String option, String text) {
        String[] parts = text.split("x", -1);
        try {
            if (parts.length == 3) {
                return new ImageShape(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
            }
        } catch (NumberFormatException e) {
            // said below
        } catch (DataException e) {
            throw UserError.usage(option + ": " + e.getMessage());
        }
        throw UserError.usage(option + ": expected channels x height x width such as 3x32x32, but got '" + text + "'");
    }
}
