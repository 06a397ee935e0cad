package dev.normlab.nn.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What the user names as data, for example `synthetic:train=4000,seed=1`, `cifar10:DIR`, `cifar100:DIR`, `folder:DIR` or `npz:FILE`.
public sealed interface DataSpec {

    /// How all specifications look, for messages and help.
    String FORMS = "synthetic[:size=32,train=5000,test=1000,seed=0,difficulty=1], cifar10:DIR, cifar100:DIR, cifar10c:DIR,fog=3, "
            + "folder:DIR[,size=32] or npz:FILE";

    /// What specifications begin with.
    List<String> KINDS = List.of("synthetic", "cifar10", "cifar100", "cifar10c", "folder", "npz");

    /// Rows and columns of a folder's images unless `size` says others.
    int STANDARD_SIZE = 32;

    /// The largest size of a folder's images.
    int MOST_PIXELS = 4096;

    /// The end of a folder's specification that gives the size.
    Pattern SIZE = Pattern.compile(",size=([^,/\\\\]*)$");

    /// The end of a specification that is a key with a value, as of CIFAR-10-C.
    Pattern CORRUPTION = Pattern.compile(",([^,=/\\\\]*)=([^,/\\\\]*)$");

    /// The built-in data set; see [SyntheticDataset].
    ///
    /// @param config what to make
    record Synthetic(SyntheticDataset.Config config) implements DataSpec {}

    /// CIFAR-10 in the official binary format; see [Cifar#cifar10].
    ///
    /// @param folder where the files are
    record Cifar10(Path folder) implements DataSpec {}

    /// CIFAR-100 in the official binary format; see [Cifar#cifar100].
    ///
    /// @param folder where the files are
    record Cifar100(Path folder) implements DataSpec {}

    /// Corrupted test images of CIFAR-10; see [CorruptedCifar].
    ///
    /// @param folder     where the files are
    /// @param corruption one of [CorruptedCifar#CORRUPTIONS]; null for all of them
    /// @param severity   1 to 5; 0 for all of them
    record Cifar10C(Path folder, @Nullable String corruption, int severity) implements DataSpec {}

    /// Images in folders; see [ImageFolder].
    ///
    /// @param folder where the images are
    /// @param size   rows and columns that the images are scaled to
    record Folder(Path folder, int size) implements DataSpec {

        /// Checks the values.
        ///
        /// @throws DataException if the size is not from 1 to 4096
        public Folder {
            if (size < 1 || size > MOST_PIXELS) {
                throw new DataException(
                        "Images of a folder can be scaled to sizes from 1 to " + MOST_PIXELS + ", but size=" + size + " was asked for.");
            }
        }
    }

    /// A NumPy archive; see [NpzDataset].
    ///
    /// @param file the archive
    record Archive(Path file) implements DataSpec {}

    /// Reads a specification; no file is read.
    ///
    /// @throws DataException if there is no such kind of data, or a key or value of it is wrong
    static DataSpec parse(String text) {
        int colon = text.indexOf(':');
        String kind = colon < 0 ? text : text.substring(0, colon);
        String rest = colon < 0 ? "" : text.substring(colon + 1);
        return switch (kind) {
            case "synthetic" -> new Synthetic(synthetic(text, rest));
            case "cifar10" -> new Cifar10(path(text, rest));
            case "cifar100" -> new Cifar100(path(text, rest));
            case "cifar10c" -> corrupted(text, rest);
            case "folder" -> folder(text, rest);
            case "npz" -> new Archive(path(text, rest));
            default -> throw new DataException("There is no data \"" + text + "\"; choose " + FORMS + ".");
        };
    }

    /// Loads or makes both splits.
    ///
    /// @throws DataException if the data is missing, damaged or not as described
    default DataSplits load() {
        return switch (this) {
            case Synthetic synthetic -> SyntheticDataset.generate(synthetic.config);
            case Cifar10 cifar -> Cifar.cifar10(cifar.folder);
            case Cifar100 cifar -> Cifar.cifar100(cifar.folder);
            case Cifar10C images -> {
                if (images.corruption == null) {
                    throw new DataException("CIFAR-10-C is 95 data sets; name one of them, as in cifar10c:" + images.folder
                            + ",fog=3 (only evaluate takes all at once). The corruptions are " + CorruptedCifar.CORRUPTIONS + ".");
                }
                yield CorruptedCifar.load(images.folder, images.corruption, images.severity);
            }
            case Folder images -> ImageFolder.load(images.folder, new ImageShape(3, images.size, images.size));
            case Archive archive -> NpzDataset.load(archive.file);
        };
    }

    private static Folder folder(String text, String rest) {
        Matcher size = SIZE.matcher(rest);
        if (!size.find()) {
            Matcher other = CORRUPTION.matcher(rest);
            if (other.find() && !Files.exists(path(text, rest))) {
                throw new DataException(
                        "The data \"" + text + "\" has the unknown key \"" + other.group(1) + "\"; a folder of images has size.");
            }
            return new Folder(path(text, rest), STANDARD_SIZE);
        }
        try {
            return new Folder(path(text, rest.substring(0, size.start())), Integer.parseInt(size.group(1)));
        } catch (NumberFormatException e) {
            throw new DataException("The data \"" + text + "\" has \"" + size.group(1) + "\" as size, where a number is expected.", e);
        }
    }

    private static Cifar10C corrupted(String text, String rest) {
        Matcher one = CORRUPTION.matcher(rest);
        if (!one.find()) {
            return new Cifar10C(path(text, rest), null, 0);
        }
        if (!CorruptedCifar.CORRUPTIONS.contains(one.group(1)) || !one.group(2).matches("[1-5]")) {
            throw new DataException(
                    "The data \"" + text + "\" ends in " + one.group() + ", where a corruption and its severity from 1 to 5 are "
                            + "expected, as in ,fog=3. The corruptions are " + CorruptedCifar.CORRUPTIONS + ".");
        }
        return new Cifar10C(path(text, rest.substring(0, one.start())), one.group(1), Integer.parseInt(one.group(2)));
    }

    private static Path path(String text, String path) {
        if (path.isBlank()) {
            throw new DataException("The data \"" + text + "\" needs a place after the colon; the forms are " + FORMS + ".");
        }
        try {
            boolean home = path.startsWith("~/"); // which a shell leaves alone behind a colon
            return home ? Path.of(System.getProperty("user.home"), path.substring(2)) : Path.of(path);
        } catch (InvalidPathException e) {
            throw new DataException("The data \"" + text + "\" names no valid place: " + e.getMessage() + ".", e);
        }
    }

    private static SyntheticDataset.Config synthetic(String text, String options) {
        SyntheticDataset.Config config = SyntheticDataset.Config.standard();
        int size = config.size();
        int train = config.train();
        int test = config.test();
        long seed = config.seed();
        double difficulty = config.difficulty();
        Set<String> seen = new HashSet<>();
        for (String option : options.isEmpty() ? new String[0] : options.split(",", -1)) {
            int equals = option.indexOf('=');
            String key = equals < 0 ? option : option.substring(0, equals);
            String value = equals < 0 ? "" : option.substring(equals + 1);
            if (!seen.add(key)) {
                throw new DataException("The data \"" + text + "\" has the key " + key + " twice.");
            }
            try {
                switch (key) {
                    case "size" -> size = Integer.parseInt(value);
                    case "train" -> train = Integer.parseInt(value);
                    case "test" -> test = Integer.parseInt(value);
                    case "seed" -> seed = Long.parseLong(value);
                    case "difficulty" -> difficulty = Double.parseDouble(value);
                    default -> throw new DataException("The data \"" + text + "\" has the unknown key \"" + key
                            + "\"; synthetic data has size, train, test, seed and difficulty.");
                }
            } catch (NumberFormatException e) {
                throw new DataException("The data \"" + text + "\" has \"" + value + "\" as " + key + ", where a number is expected.", e);
            }
        }
        return new SyntheticDataset.Config(size, train, test, seed, difficulty);
    }
}
