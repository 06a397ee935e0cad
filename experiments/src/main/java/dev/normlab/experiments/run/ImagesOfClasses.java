package dev.normlab.experiments.run;

import dev.normlab.nn.data.Dataset;
import java.util.Optional;
import java.util.stream.IntStream;

/// Which classes images are of.
public final class ImagesOfClasses {

    private ImagesOfClasses() {}

    /// What to tell of the first images of a data set that is in the order of its classes, if they lack some; empty for other data.
    public static Optional<String> missing(Dataset whole, Dataset part) {
        long classes = count(whole);
        long own = count(part);
        return own == classes || !inOrder(whole, classes)
                ? Optional.empty()
                : Optional.of(
                        "the first " + part.size() + " images are of " + own + " of the " + classes + " classes only: the data is in the "
                                + "order of its classes; take all images, or shuffle them where they come from");
    }

    private static boolean inOrder(Dataset data, long classes) {
        return IntStream.range(1, data.size()).filter(i -> data.label(i) != data.label(i - 1)).count() < classes;
    }

    private static long count(Dataset data) {
        return IntStream.range(0, data.size()).map(data::label).distinct().count();
    }
}
