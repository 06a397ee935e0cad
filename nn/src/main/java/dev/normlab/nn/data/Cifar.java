package dev.normlab.nn.data;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// CIFAR-10 and CIFAR-100 in their official binary format: records of one label byte (CIFAR-100: a coarse one, then the fine one, which is
/// used) and 3072 bytes of a 3x32x32 image, channels first. Files may hold any number of records. Source:
/// https://www.cs.toronto.edu/~kriz/cifar.html.
public final class Cifar {

    private static final ImageShape SHAPE = new ImageShape(3, 32, 32);
    private static final long MAX_FILE_BYTES = 1L << 30;
    private static final List<String> CIFAR10_NAMES = List.of("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
            "ship", "truck");

    /// One of the two data sets.
    ///
    /// @param name what the user calls it
    /// @param folderName the folder in the official archive
    /// @param classes number of classes
    /// @param labelBytes label bytes of a record; the last one is the label
    /// @param trainFiles files of the training split, in order
    /// @param testFiles files of the test split
    /// @param namesFile optional text file with one class name a line
    private record Format(String name, String folderName, int classes, int labelBytes, List<String> trainFiles, List<String> testFiles,
            String namesFile) {

        int recordBytes() {
            return labelBytes + SHAPE.values();
        }
    }

    private static final Format CIFAR10 = new Format("cifar10", "cifar-10-batches-bin", 10, 1,
            List.of("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"),
            List.of("test_batch.bin"), "batches.meta.txt");
    private static final Format CIFAR100 = new Format("cifar100", "cifar-100-binary", 100, 2, List.of("train.bin"), List.of("test.bin"),
            "fine_label_names.txt");

    private Cifar() {}

    /// The names of CIFAR-10's classes.
    static List<String> names() {
        return CIFAR10_NAMES;
    }

    /// Reads CIFAR-10 from a folder with `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, or one that holds
    /// `cifar-10-batches-bin`.
    ///
    /// @throws DataException if a file is missing, cut in the middle of a record, empty, or has a label above 9
    public static DataSplits cifar10(Path folder) {
        return load(CIFAR10, folder);
    }

    /// Reads CIFAR-100 with its 100 fine labels from a folder with `train.bin` and `test.bin`, or one that holds `cifar-100-binary`.
    ///
    /// @throws DataException if a file is missing, cut in the middle of a record, empty, or has a label above 99
    public static DataSplits cifar100(Path folder) {
        return load(CIFAR100, folder);
    }

    private static DataSplits load(Format format, Path given) {
        Path folder = folder(format, given);
        List<String> classNames = classNames(format, folder);
        Dataset train = split(format, folder, format.trainFiles, classNames);
        Dataset test = split(format, folder, format.testFiles, classNames);
        return new DataSplits(train, test, List.of());
    }

    private static Path folder(Format format, Path given) {
        if (!Files.isDirectory(given)) {
            throw new DataException(format.name + ": there is no folder " + given + "; expected one of the binary version, with "
                    + format.trainFiles.getFirst() + " in it. The command 'data download " + format.name + "' fetches it.");
        }
        Path inner = given.resolve(format.folderName);
        String first = format.trainFiles.getFirst();
        boolean nested = !Files.exists(given.resolve(first)) && Files.exists(inner.resolve(first));
        return nested ? inner : given;
    }

    private static List<String> classNames(Format format, Path folder) {
        Path file = folder.resolve(format.namesFile);
        if (Files.isRegularFile(file)) {
            try {
                List<String> names = Files.readAllLines(file, StandardCharsets.UTF_8).stream().map(String::strip)
                        .filter(name -> !name.isEmpty()).toList();
                if (names.size() == format.classes) {
                    return names;
                }
            } catch (IOException e) {
                // The names are a comfort: without a readable file the built-in ones serve.
            }
        }
        if (format == CIFAR10) {
            return CIFAR10_NAMES;
        }
        List<String> numbers = new ArrayList<>();
        for (int c = 0; c < format.classes; c++) {
            numbers.add("class " + c);
        }
        return numbers;
    }

    private static Dataset split(Format format, Path folder, List<String> files, List<String> classNames) {
        int records = 0;
        for (String file : files) {
            records = Math.addExact(records, records(format, folder.resolve(file)));
        }
        long bytes = (long) records * SHAPE.values();
        if (bytes > Integer.MAX_VALUE - 64) {
            throw new DataException(format.name + ": the " + records + " images in " + folder + " do not fit one array.");
        }
        byte[] images = new byte[(int) bytes];
        int[] labels = new int[records];
        int start = 0;
        for (String file : files) {
            start += read(format, folder.resolve(file), images, labels, start);
        }
        return Dataset.ofBytes(format.name, SHAPE, classNames, images, labels);
    }

    /// The number of records in a file, from its length.
    private static int records(Format format, Path file) {
        if (!Files.isRegularFile(file)) {
            String hint = Files.exists(file.resolveSibling("data_batch_1")) || Files.exists(file.resolveSibling("train"))
                    ? " The folder has the Python version of the data set; the binary version is needed."
                    : "";
            throw new DataException(format.name + ": there is no file " + file + "." + hint);
        }
        long length;
        try {
            length = Files.size(file);
        } catch (IOException e) {
            throw new DataException(format.name + ": cannot read " + file + ": " + e.getMessage() + ".", e);
        }
        int recordBytes = format.recordBytes();
        if (length == 0 || length % recordBytes != 0 || length > MAX_FILE_BYTES) {
            throw new DataException(
                    format.name + ": expected " + file + " to hold records of " + recordBytes + " bytes (at most 1 GB), but its " + length
                            + " bytes are " + (length == 0 || length > MAX_FILE_BYTES
                                    ? length / recordBytes + " records."
                                    : length / recordBytes + " records and " + length % recordBytes
                                            + " bytes: the file is truncated or of another format."));
        }
        return (int) (length / recordBytes);
    }

    private static int read(Format format, Path file, byte[] images, int[] labels, int start) {
        byte[] content;
        try {
            content = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new DataException(format.name + ": cannot read " + file + ": " + e.getMessage() + ".", e);
        }
        int recordBytes = format.recordBytes();
        int records = content.length / recordBytes;
        if (start + records > labels.length) {
            throw new DataException(format.name + ": " + file + " changed while it was read.");
        }
        for (int r = 0; r < records; r++) {
            int label = content[r * recordBytes + format.labelBytes - 1] & 0xFF;
            if (label >= format.classes) {
                throw new DataException(
                        format.name + ": record " + r + " of " + file + " has the label " + label + ", but labels go from 0 to "
                                + (format.classes - 1) + ".");
            }
            labels[start + r] = label;
            System.arraycopy(content, r * recordBytes + format.labelBytes, images, (start + r) * SHAPE.values(), SHAPE.values());
        }
        return records;
    }
}
