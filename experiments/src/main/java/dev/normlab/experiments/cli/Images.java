package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.ImageShape;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Sizes of images on the command line.
final class Images {

    /// The default of an option for the size, for help.
    static final String DEFAULT = "(default: of the images that the weights were trained on, else 3x32x32)";

    private static final ImageShape STANDARD = new ImageShape(3, 32, 32);

    private Images() {}

    /// The size that was given, if one was: channels, height and width as in `3x32x32`.
    ///
    /// @throws UserError if the text is something else
    static @Nullable ImageShape given(String option, @Nullable String text) {
        try {
            return text == null ? null : ImageShape.parse(text);
        } catch (DataException e) {
            throw UserError.usage(option + ": " + e.getMessage());
        }
    }

    /// The size that was given, else the one on which weights were trained, else that of CIFAR-10.
    static ImageShape of(@Nullable ImageShape given, Weights weights) {
        return given != null ? given : Objects.requireNonNullElse(weights.images(), STANDARD);
    }
}
