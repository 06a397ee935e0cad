package dev.normlab.nn.data;

import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// CIFAR-10-C: the test images of CIFAR-10 under 19 corruptions of 5 severities. A file `CORRUPTION.npy` holds bytes `[5 m, 32, 32, 3]`,
/// the `m` images of severity 1 first, and `labels.npy` the labels of all (the official files have `m = 10000`; any number will do).
///
/// Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (ICLR 2019).
public final class CorruptedCifar {

    /// Severities are 1 to this.
    public static final int SEVERITIES = 5;

    /// The corruptions: the 15 of the benchmark, then the 4 that its authors left for validation.
    public static final List<String> CORRUPTIONS = List.of("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur",
            "motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
            "jpeg_compression", "speckle_noise", "gaussian_blur", "spatter", "saturate");

    /// How many of [#CORRUPTIONS] the benchmark counts.
    public static final int BENCHMARK = 15;

    private static final String FOLDER = "CIFAR-10-C";
    private static final ImageShape SHAPE = new ImageShape(3, 32, 32);

    private CorruptedCifar() {}

    /// The images of one corruption and severity, as training and as test images; a notice says so.
    ///
    /// @throws DataException if a file is missing, damaged or not as described
    public static DataSplits load(Path folder, String corruption, int severity) {
        Dataset images = severities(folder, corruption).get(severity - 1);
        return new DataSplits(images, images, List.of("CIFAR-10-C has test images only; the training images are the same here."));
    }

    /// The images of one corruption, a data set for every severity.
    ///
    /// @throws DataException if a file is missing, damaged or not as described
    public static List<Dataset> severities(Path given, String corruption) {
        Path folder = Files.isDirectory(given.resolve(FOLDER)) ? given.resolve(FOLDER) : given;
        byte[] images = images(folder.resolve(corruption + ".npy"));
        int[] labels = labels(folder.resolve("labels.npy"));
        int total = images.length / SHAPE.values();
        if (labels.length != total || total % SEVERITIES != 0) {
            throw new DataException(
                    folder + ": expected images of 5 severities and a label for each, but " + corruption + ".npy has " + total
                            + " images and labels.npy " + labels.length + " labels.");
        }
        int each = total / SEVERITIES;
        return IntStream.range(0, SEVERITIES).mapToObj(i -> {
            String name = "cifar10c " + corruption + " " + (i + 1);
            byte[] own = Arrays.copyOfRange(images, i * each * SHAPE.values(), (i + 1) * each * SHAPE.values());
            return Dataset.ofBytes(name, SHAPE, Cifar.names(), own, Arrays.copyOfRange(labels, i * each, (i + 1) * each));
        }).toList();
    }

    private static byte[] images(Path file) {
        if (!(read(file) instanceof NumberArray.Bytes bytes) || bytes.shape().rank() != 4 || bytes.shape().size(1) != SHAPE.height()
                || bytes.shape().size(2) != SHAPE.width() || bytes.shape().size(3) != SHAPE.channels()) {
            throw new DataException(file + ": expected bytes [n, 32, 32, 3].");
        }
        // [n, h, w, c] to [n, c, h, w]
        byte[] from = bytes.values();
        byte[] to = new byte[from.length];
        int pixels = SHAPE.height() * SHAPE.width(), c = SHAPE.channels();
        for (int i = 0; i < from.length; i++) {
            int image = i / (pixels * c), pixel = i / c % pixels;
            to[(image * c + i % c) * pixels + pixel] = from[i];
        }
        return to;
    }

    private static int[] labels(Path file) {
        return switch (read(file)) {
            case NumberArray.Bytes bytes -> {
                int[] labels = new int[bytes.values().length];
                Arrays.setAll(labels, i -> bytes.values()[i] & 0xFF);
                yield labels;
            }
            case NumberArray.Longs longs -> Arrays.stream(longs.values()).mapToInt(Math::toIntExact).toArray();
            case NumberArray.Ints ints -> ints.values();
            default -> throw new DataException(file + ": expected whole numbers, one label for each image.");
        };
    }

    private static NumberArray read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new DataException(
                    "cifar10c: there is no file " + file + "; CIFAR-10-C is a folder of npy files, one for each corruption.");
        }
        try {
            return Npy.read(file);
        } catch (IOException e) {
            throw new DataException("Cannot read the data set: " + e.getMessage() + ".", e);
        }
    }
}
