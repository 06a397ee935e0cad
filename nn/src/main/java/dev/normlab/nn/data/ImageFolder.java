package dev.normlab.nn.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Images in folders, one folder for each class: `DIR/train/CLASS/*.png` and `DIR/test/CLASS/*.png`, or `DIR/CLASS/*.png` without splits.
///
/// Classes and files are taken in the order of their names: the first image of every class, then the second of every class, and so on, so
/// that the first images of a data set are of all classes. Without splits every fifth image of a class is a test image (of a class with two
/// to four images the last). Reads PNG, JPEG, BMP and GIF; all images are scaled to one size, whatever their proportions. Files with
/// other names are skipped with a notice; a file with an image's name that cannot be read is an error.
public final class ImageFolder {

    private static final int TEST_EVERY = 5;

    // Images that cannot be read and are named, one a line.
    private static final int MOST_FAULTS = 20;

    private ImageFolder() {}

    /// The image files of one class.
    private record ClassFiles(String name, List<Path> files) {}

    /// Reads a folder.
    ///
    /// @param folder where the images are
    /// @param shape what the images are scaled to; three channels
    /// @throws DataException if the folder is missing, has no classes or images, the splits have different classes, or an image is damaged
    public static DataSplits load(Path folder, ImageShape shape) {
        if (shape.channels() != 3) {
            throw new DataException("A folder of images gives images of 3 channels, but " + shape + " was asked for.");
        }
        if (!Files.isDirectory(folder)) {
            throw new DataException("There is no folder " + folder + ".");
        }
        List<String> skipped = new ArrayList<>();
        List<Path> train = new ArrayList<>();
        List<Path> test = new ArrayList<>();
        List<Integer> trainLabels = new ArrayList<>();
        List<Integer> testLabels = new ArrayList<>();
        List<String> classNames;
        boolean trainFolder = Files.isDirectory(folder.resolve("train"));
        boolean testFolder = Files.isDirectory(folder.resolve("test"));
        if (trainFolder != testFolder) {
            throw new DataException("The folder " + folder + " has a folder " + (trainFolder ? "train" : "test") + " but no folder "
                    + (trainFolder ? "test" : "train") + "; it needs both, or neither for a fixed split.");
        }
        if (trainFolder) {
            List<ClassFiles> trainClasses = classes(folder.resolve("train"), skipped);
            List<ClassFiles> testClasses = classes(folder.resolve("test"), skipped);
            classNames = names(trainClasses);
            if (!classNames.equals(names(testClasses))) {
                throw new DataException("The folders " + folder.resolve("train") + " and " + folder.resolve("test")
                        + " must have the same classes, but one has " + classNames + " and the other " + names(testClasses) + ".");
            }
            interleave(trainClasses, train, trainLabels);
            interleave(testClasses, test, testLabels);
        } else {
            List<ClassFiles> classes = classes(folder, skipped);
            classNames = names(classes);
            interleave(part(classes, false), train, trainLabels);
            interleave(part(classes, true), test, testLabels);
        }
        List<String> notices = notices(folder, skipped, trainFolder, train.size(), test.size());
        int[] scaled = {0};
        List<String> faults = new ArrayList<>();
        Dataset trainImages = read(folder, shape, classNames, train, trainLabels, scaled, faults);
        Dataset testImages = read(folder, shape, classNames, test, testLabels, scaled, faults);
        requireNone(faults);
        if (scaled[0] > 0) {
            notices.add(scaled[0] + " of " + (train.size() + test.size()) + " images of " + folder
                    + " have another size and were scaled to " + shape
                    + ", whatever their proportions; folder:DIR,size=N takes another size.");
        }
        return new DataSplits(trainImages, testImages, notices);
    }

    private static void requireNone(List<String> faults) {
        if (!faults.isEmpty()) {
            int more = faults.size() - MOST_FAULTS;
            throw new DataException(String.join("\n  ", faults.subList(0, Math.min(MOST_FAULTS, faults.size())))
                    + (more > 0 ? "\n  and " + more + " more" : "") + (faults.size() > 1 ? "\nRepair or remove these images." : ""));
        }
    }

    private static List<String> notices(Path folder, List<String> skipped, boolean split, int train, int test) {
        List<String> notices = new ArrayList<>();
        if (!split) {
            notices.add("The folder " + folder + " has no folders train and test: every fifth image of a class is a test image (" + train
                    + " for training, " + test + " for testing).");
        }
        if (!skipped.isEmpty()) {
            notices.add("Skipped " + (skipped.size() == 1
                    ? "a file that by its name is no PNG, JPEG, BMP or GIF image: "
                    : skipped.size() + " files that by their names are no PNG, JPEG, BMP or GIF images: ")
                    + String.join(", ", skipped.subList(0, Math.min(3, skipped.size()))) + (skipped.size() > 3 ? ", ..." : "") + ".");
        }
        return notices;
    }

    private static List<ClassFiles> classes(Path folder, List<String> skipped) {
        List<ClassFiles> classes = new ArrayList<>();
        for (Path entry : sorted(folder)) {
            if (!Files.isDirectory(entry)) {
                skipped.add(entry.toString());
                continue;
            }
            List<Path> images = new ArrayList<>();
            for (Path file : sorted(entry)) {
                if (Files.isRegularFile(file) && ImageFile.hasImageName(file)) {
                    images.add(file);
                } else {
                    skipped.add(file.toString());
                }
            }
            if (images.isEmpty()) {
                throw new DataException("The folder " + entry + " of a class has no PNG, JPEG, BMP or GIF images.");
            }
            classes.add(new ClassFiles(entry.getFileName().toString(), images));
        }
        if (classes.isEmpty()) {
            throw new DataException("The folder " + folder + " has no folders; expected one folder of images for each class.");
        }
        return classes;
    }

    /// What is in a folder in the order of the names, hidden files left out.
    private static List<Path> sorted(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> !entry.getFileName().toString().startsWith("."))
                    .sorted(Comparator.comparing(entry -> entry.getFileName().toString())).toList();
        } catch (IOException | UncheckedIOException e) {
            throw new DataException("Cannot read the folder " + folder + ": " + e.getMessage() + ".", e);
        }
    }

    private static List<String> names(List<ClassFiles> classes) {
        return classes.stream().map(ClassFiles::name).toList();
    }

    private static void interleave(List<ClassFiles> classes, List<Path> files, List<Integer> labels) {
        int most = classes.stream().mapToInt(each -> each.files.size()).max().orElse(0);
        for (int i = 0; i < most; i++) {
            for (int label = 0; label < classes.size(); label++) {
                List<Path> own = classes.get(label).files;
                if (i < own.size()) {
                    files.add(own.get(i));
                    labels.add(label);
                }
            }
        }
    }

    /// The training or the test images of folders without splits.
    private static List<ClassFiles> part(List<ClassFiles> classes, boolean testing) {
        return classes.stream().map(each -> new ClassFiles(each.name, IntStream.range(0, each.files.size())
                .filter(i -> isTest(i, each.files.size()) == testing).mapToObj(each.files::get).toList())).toList();
    }

    private static boolean isTest(int i, int files) {
        return i % TEST_EVERY == TEST_EVERY - 1 || files > 1 && files < TEST_EVERY && i == files - 1;
    }

    /// @param scaled counts the images that were of another size
    private static Dataset read(Path folder, ImageShape shape, List<String> classNames, List<Path> files, List<Integer> labels,
            int[] scaled, List<String> faults) {
        long bytes = (long) files.size() * shape.values();
        if (bytes > Integer.MAX_VALUE - 64) {
            throw new DataException("The " + files.size() + " images of " + folder + " at " + shape
                    + " do not fit one array; choose a smaller input size.");
        }
        byte[] images = new byte[(int) bytes];
        for (int i = 0; i < files.size(); i++) {
            try {
                scaled[0] += ImageFile.read(files.get(i), shape, images, i * shape.values()) ? 1 : 0;
            } catch (DataException e) {
                faults.add(e.getMessage());
            }
        }
        return Dataset.ofBytes(folder.toString(), shape, classNames, images, labels.stream().mapToInt(Integer::intValue).toArray());
    }
}
