package dev.normlab.experiments.study;

import dev.normlab.nn.data.DataSpec;
import java.util.Optional;

/// A data set whose sizes are known without its files.
///
/// @param name    as its authors call it
/// @param train   the number of training images
/// @param test    the number of test images
/// @param classes the number of classes
public record KnownData(String name, int train, int test, int classes) {

    /// The sizes of the official files that a specification means; nothing for other data.
    public static Optional<KnownData> of(DataSpec data) {
        return switch (data) {
            case DataSpec.Cifar10 _ -> Optional.of(new KnownData("CIFAR-10", 50_000, 10_000, 10));
            case DataSpec.Cifar100 _ -> Optional.of(new KnownData("CIFAR-100", 50_000, 10_000, 100));
            default -> Optional.empty();
        };
    }
}
