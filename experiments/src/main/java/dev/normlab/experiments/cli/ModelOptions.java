package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which model with which weights.
final class ModelOptions {

    @Option(names = "--model", paramLabel = "NAME",
            description = "Model, for example vgg11 or resnet18:width=0.25,classes=10; `normlab models` lists all. Not needed for weights "
                    + "that normlab wrote.")
    private @Nullable String model;

    @Option(names = "--weights", paramLabel = "PATH",
            description = "A safetensors or npz file, or a run folder; without it the weights are drawn from --seed.")
    private @Nullable Path weights;

    /// The run folder that the weights are taken from: the one that was named, or that of a file that a run wrote.
    ///
    /// @throws IOException if the folder cannot be opened
    Optional<RunFolder> runFolder() throws IOException {
        return weights == null ? Optional.empty() : Weights.runOf(weights);
    }

    /// Whether the weights are those with which a run ended, rather than those of its best epoch or of a checkpoint that was named.
    boolean areFinal() {
        return weights != null && (Files.isDirectory(weights)
                ? Files.isRegularFile(weights.resolve(Weights.FILE_NAME))
                : String.valueOf(weights.getFileName()).equals(Weights.FILE_NAME));
    }

    /// Loads or draws the weights.
    ///
    /// @throws IOException if the file cannot be read or does not fit the model
    Weights load(long seed) throws IOException {
        return Weights.load(weights, model, seed);
    }

    /// Loads the weights of another file, of the model that was named or that the file names.
    ///
    /// @throws IOException if the file cannot be read or does not fit the model
    Weights load(Path file, long seed) throws IOException {
        return Weights.load(file, model, seed, "--compare");
    }

    /// Whether weights were given.
    boolean hasWeights() {
        return weights != null;
    }
}
