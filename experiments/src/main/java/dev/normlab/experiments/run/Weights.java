package dev.normlab.experiments.run;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import dev.normlab.nn.train.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A model with its values: from a safetensors or npz file, a run folder, or drawn from a seed.
///
/// @param model  ready to use
/// @param spec   what it is
/// @param source where the values come from, for messages
/// @param images the size of the images that it was trained on; null if nobody says it
public record Weights(Layer model, ModelSpec spec, String source, @Nullable ImageShape images) {

    /// The metadata key under which a weights file says what model it is of.
    public static final String MODEL_KEY = "normlab.model";
    /// The metadata key under which it says the size of the images that the model was trained on, as in `3x32x32`.
    public static final String IMAGE_SIZE_KEY = "normlab.image_size";
    /// The name of the weights file in a run folder.
    public static final String FILE_NAME = "weights.safetensors";
    /// The name of the checkpoint in a run folder.
    public static final String CHECKPOINT_NAME = "checkpoint.safetensors";
    /// The name of the file with the weights after the epoch of a run with the best accuracy on its test images.
    public static final String BEST_NAME = "best.safetensors";

    private static final Set<String> OF_RUNS = Set.of(FILE_NAME, CHECKPOINT_NAME, BEST_NAME);

    /// Loads or draws weights.
    ///
    /// @param path  a safetensors or npz file, or a run folder; null for fresh weights
    /// @param model a model specification; null if the file says it
    /// @throws UserError   if neither says which model it is, or the file does not exist
    /// @throws IOException if the file cannot be read or does not fit the model
    public static Weights load(@Nullable Path path, @Nullable String model, long seed) throws IOException {
        if (path == null) {
            if (model == null) {
                throw UserError.usage("say which model: --model NAME for fresh weights, or --weights FILE");
            }
            ModelSpec spec = parse(model);
            return new Weights(Models.create(spec, seed), spec, "fresh weights of seed " + seed, null);
        }
        return load(path, model, seed, "--weights");
    }

    /// Loads weights of a model, or of the one that the file names.
    ///
    /// @param path   a safetensors or npz file, or a run folder
    /// @param option that named the path, for messages
    /// @throws UserError   if neither says which model it is, or the file does not exist
    /// @throws IOException if the file cannot be read or does not fit the model
    public static Weights load(Path path, @Nullable String model, long seed, String option) throws IOException {
        Path file = fileOf(path, option);
        if (file.toString().toLowerCase(Locale.ROOT).endsWith(".onnx")) {
            throw UserError.usage(option + ": ONNX files are written only, not read; take the safetensors file or run folder that " + file
                    + " was made of");
        }
        Safetensors.Contents contents = isNpz(file)
                ? new Safetensors.Contents(file.toString(), Npz.read(file), Map.of())
                : Safetensors.read(file);
        String named = contents.metadata().get(MODEL_KEY);
        String text = model != null ? model : named;
        if (text == null) {
            throw UserError.usage(file + " does not say which model it is of; add --model NAME");
        }
        ModelSpec spec = parse(text);
        Layer built = Models.create(spec, seed);
        String source = file.toString();
        if (file.getFileName().toString().equals(CHECKPOINT_NAME)) {
            Checkpoint checkpoint = Checkpoint.read(file);
            checkpoint.restore(built);
            source += " (after " + Numbers.counted(checkpoint.position().epoch(), "epoch", "epochs") + ")";
        } else {
            StateDict.load(built, contents.tensors(), source);
        }
        String images = contents.metadata().get(IMAGE_SIZE_KEY);
        return new Weights(built, spec, source, images == null ? null : shape(images, source));
    }

    private static ImageShape shape(String text, String source) throws FormatException {
        try {
            return ImageShape.parse(text);
        } catch (DataException e) {
            throw new FormatException(source, "the images' size in its metadata: " + e.getMessage());
        }
    }

    /// The model that a file of weights names, if it names one.
    ///
    /// @param option that named the path, for messages
    /// @throws UserError   if there is no such file
    /// @throws IOException if the file cannot be read
    public static Optional<String> modelOf(Path path, String option) throws IOException {
        Path file = fileOf(path, option);
        return isNpz(file) ? Optional.empty() : Optional.ofNullable(Safetensors.read(file).metadata().get(MODEL_KEY));
    }

    /// The run folder that weights are of: the one that is named, or that of a file that a run wrote.
    ///
    /// @throws IOException if the folder cannot be opened
    public static Optional<RunFolder> runOf(Path weights) throws IOException {
        Path parent = weights.toAbsolutePath().getParent();
        Path folder = parent != null && OF_RUNS.contains(String.valueOf(weights.getFileName())) ? parent : weights;
        return Files.isRegularFile(folder.resolve(RunFolder.INFO_FILE)) ? Optional.of(RunFolder.open(folder)) : Optional.empty();
    }

    private static Path fileOf(Path path, String option) {
        if (!Files.exists(path)) {
            throw UserError.failure(option + ": there is no file or run folder " + path);
        }
        if (!Files.isDirectory(path)) {
            return path;
        }
        for (String name : new String[] {FILE_NAME, CHECKPOINT_NAME}) {
            if (Files.isRegularFile(path.resolve(name))) {
                return path.resolve(name);
            }
        }
        String runs = runsIn(path);
        throw UserError.failure(option + ": the folder " + path + " holds neither " + FILE_NAME + " nor " + CHECKPOINT_NAME
                + (runs.isEmpty() ? "; is it a run folder?" : "; it holds the run folders " + runs + ": name one of them"));
    }

    private static String runsIn(Path path) {
        try (Stream<Path> inside = Files.list(path)) {
            return inside.filter(each -> Files.isRegularFile(each.resolve(RunFolder.INFO_FILE))).map(Path::toString).sorted()
                    .collect(Collectors.joining(", "));
        } catch (IOException | UncheckedIOException e) {
            return ""; // a folder that cannot be read
        }
    }

    /// A model specification from the command line.
    ///
    /// @throws UserError if it is none
    public static ModelSpec parse(String text) {
        return parseFor("--model", text);
    }

    /// The same for another option than `--model`.
    ///
    /// @throws UserError if it is none
    public static ModelSpec parseFor(String option, String text) {
        try {
            return ModelSpec.parse(text);
        } catch (IllegalArgumentException e) {
            throw UserError.usage(option + ": " + e.getMessage());
        }
    }

    /// A model specification for a data set: if the text leaves the number of classes open, it is the data set's.
    ///
    /// @throws UserError if the text is no specification
    public static ModelSpec parse(String text, int classes) {
        ModelSpec spec = parse(text);
        return text.contains("classes=") ? spec : spec.withClasses(classes);
    }

    /// Fails if a data set has classes for which a model has no output.
    ///
    /// @throws UserError if it has
    public static void requireClasses(ModelSpec spec, int classes) {
        if (spec.classes() < classes) {
            throw UserError
                    .usage("--model: the model has " + Numbers.counted(spec.classes(), "class", "classes") + ", but the data has " + classes
                            + "; leave classes= out to get the data's number");
        }
    }

    /// Tells every convolution its input size, without computing.
    ///
    /// @throws UserError if such images do not fit the model
    public static Summary summarize(Layer model, ImageShape image, Device device) {
        try {
            return Summary.of(model, image.channels(), image.height(), image.width(), device);
        } catch (ShapeException e) {
            throw UserError.failure("images of " + image + " do not fit the model (VGG takes 32 to 63 pixels a side, LeNet exactly 32, the "
                    + "others other sizes, too): " + e.getMessage());
        }
    }

    /// Whether a file is an npz archive, by the ending of its name.
    public static boolean isNpz(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".npz");
    }

    /// What a file of weights says of itself beside the numbers.
    ///
    /// @param images the size of the images that the model was trained on; null if nobody knows
    public static Map<String, String> metadata(ModelSpec spec, @Nullable ImageShape images) {
        return images == null
                ? Map.of(MODEL_KEY, spec.toString())
                : Map.of(MODEL_KEY, spec.toString(), IMAGE_SIZE_KEY, images.toString());
    }

    /// Writes weights: with [#metadata] as safetensors, or without it as npz if the file's name ends so.
    ///
    /// @param images the size of the images that the model was trained on; null if nobody knows
    /// @throws IOException if the file cannot be written
    public static void save(Layer model, ModelSpec spec, @Nullable ImageShape images, Path file) throws IOException {
        Optional.ofNullable(file.toAbsolutePath().getParent()).filter(parent -> !Files.isDirectory(parent)).ifPresent(parent -> {
            throw UserError.failure("cannot write " + file + ": the folder " + parent + " does not exist");
        });
        if (isNpz(file)) {
            Npz.write(file, StateDict.copy(model));
        } else {
            StateDict.write(model, file, metadata(spec, images));
        }
    }
}
