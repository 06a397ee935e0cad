package dev.normlab.nn.data;

import java.util.List;

/// The training and the test images of one source; both have the same shape and classes.
///
/// @param train the images to learn from
/// @param test the images to judge by
/// @param notices sentences that the user should see, for example about files that were skipped
public record DataSplits(Dataset train, Dataset test, List<String> notices) {

    /// Checks the values.
    ///
    /// @throws DataException if the shapes or classes differ or a split is empty
    public DataSplits {
        notices = List.copyOf(notices);
        if (!train.shape().equals(test.shape()) || !train.classNames().equals(test.classNames())) {
            throw new DataException(
                    "The training and the test images must have the same sizes and classes, but they are " + train + " and " + test + ".");
        }
        if (train.size() == 0 || test.size() == 0) {
            throw new DataException("Both splits need at least one image, but they are " + train + " and " + test + ".");
        }
    }

    /// Both splits cut to their first `n` images.
    ///
    /// @throws DataException if n is not positive
    public DataSplits limit(int n) {
        return new DataSplits(train.first(n), test.first(n), notices);
    }

    /// The split that the user names.
    ///
    /// @param name `train` or `test`
    /// @throws DataException for any other name
    public Dataset split(String name) {
        return switch (name) {
            case "train" -> train;
            case "test" -> test;
            default -> throw new DataException("There is no split \"" + name + "\"; choose train or test.");
        };
    }
}
