package dev.normlab.nn.data;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Images and labels from a NumPy archive: `x` of shape `[n, c, h, w]`, numbers in [0, 1] or bytes, and integers `y` of shape `[n]`; or
/// `x_train`, `y_train`, `x_test` and `y_test`. One integer `classes` may say how many classes there are; otherwise the largest label does.
public final class NpzDataset {

    private static final int MAX_CLASSES = 100_000;

    private NpzDataset() {}

    /// Reads an archive. With `x` and `y` alone both splits are the same images, and a notice says so.
    ///
    /// @throws DataException if the file is missing or damaged, an array is missing, or shapes, types or values are not as described
    public static DataSplits load(Path file) {
        try {
            Set<String> names = Npz.names(file);
            boolean split = names.contains("x_train") || names.contains("x_test");
            List<String> needed = split ? List.of("x_train", "y_train", "x_test", "y_test") : List.of("x", "y");
            if (!names.containsAll(needed)) {
                throw new DataException(
                        file + ": expected the arrays x and y, or x_train, y_train, x_test and y_test, but the archive has " + names + ".");
            }
            Map<String, NumberArray> arrays = new LinkedHashMap<>(Npz.read(file, Set.copyOf(needed)));
            @Nullable NumberArray classCount = names.contains("classes") ? Npz.read(file, Set.of("classes")).get("classes") : null;
            return splits(file, arrays, classCount, split);
        } catch (IOException e) {
            throw new DataException("Cannot read the data set: " + e.getMessage() + ".", e);
        }
    }

    private static DataSplits splits(Path file, Map<String, NumberArray> arrays, @Nullable NumberArray classCount, boolean split) {
        String train = split ? "_train" : "";
        int[] trainLabels = labels(file, "y" + train, array(arrays, "y" + train));
        int[] testLabels = split ? labels(file, "y_test", array(arrays, "y_test")) : trainLabels;
        List<String> classNames = classNames(
                classCount == null ? Math.max(largest(trainLabels), largest(testLabels)) + 1 : classes(file, classCount));
        Dataset trainSet = dataset(file, "x" + train, array(arrays, "x" + train), trainLabels, classNames);
        if (split) {
            return new DataSplits(trainSet, dataset(file, "x_test", array(arrays, "x_test"), testLabels, classNames), List.of());
        }
        return new DataSplits(trainSet, trainSet, List.of(file + " has no x_test and y_test: its training and test images are the same."));
    }

    private static NumberArray array(Map<String, NumberArray> arrays, String name) {
        return Objects.requireNonNull(arrays.get(name), name);
    }

    private static Dataset dataset(Path file, String name, NumberArray images, int[] labels, List<String> classNames) {
        Shape sizes = images.shape();
        if (sizes.rank() != 4 || sizes.elements() == 0) {
            throw new DataException(file + ": expected images [n, c, h, w] as " + name + ", but its shape is " + sizes + ".");
        }
        if (sizes.size(0) != labels.length) {
            throw new DataException(file + ": " + name + " has " + sizes.size(0) + " images, but there are " + labels.length + " labels.");
        }
        if (sizes.size(3) <= 4 && sizes.size(1) > 4) {
            throw new DataException(file + ": expected images [n, c, h, w] as " + name + ", but its shape is " + sizes
                    + ", which looks like [n, h, w, c]: transpose it with x.transpose(0, 3, 1, 2).");
        }
        ImageShape shape = new ImageShape(sizes.size(1), sizes.size(2), sizes.size(3));
        return switch (images) {
            case NumberArray.Floats floats -> Dataset.ofUnits(file.toString(), shape, classNames, floats.values(), labels);
            case NumberArray.Bytes bytes -> Dataset.ofBytes(file.toString(), shape, classNames, bytes.values(), labels);
            default ->
                throw new DataException(file + ": expected numbers in [0, 1] or unsigned bytes as " + name + ", but it has numbers of type "
                        + images.kind() + ".");
        };
    }

    private static int[] labels(Path file, String name, NumberArray array) {
        if (array.shape().rank() != 1 || array instanceof NumberArray.Floats) {
            throw new DataException(
                    file + ": expected integers [n] as " + name + ", but it has numbers of type " + array.kind() + " and the shape "
                            + array.shape() + ".");
        }
        int[] labels = new int[array.length()];
        for (int i = 0; i < labels.length; i++) {
            long label = array.integer(i);
            if (label < 0 || label >= MAX_CLASSES) {
                throw new DataException(
                        file + ": record " + i + " of " + name + " has the label " + label + ", but labels go from 0 to at most "
                                + (MAX_CLASSES - 1) + ".");
            }
            labels[i] = (int) label;
        }
        return labels;
    }

    private static int classes(Path file, NumberArray array) {
        long classes = array.length() == 1 && !(array instanceof NumberArray.Floats) ? array.integer(0) : 0;
        if (classes < 1 || classes > MAX_CLASSES) {
            throw new DataException(file + ": expected one integer from 1 to " + MAX_CLASSES + " as classes.");
        }
        return (int) classes;
    }

    private static int largest(int[] labels) {
        int largest = 0;
        for (int label : labels) {
            largest = Math.max(largest, label);
        }
        return largest;
    }

    private static List<String> classNames(int classes) {
        List<String> names = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            names.add("class " + c);
        }
        return names;
    }
}
