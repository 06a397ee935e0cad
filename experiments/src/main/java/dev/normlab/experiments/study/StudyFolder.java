package dev.normlab.experiments.study;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The folder of a study: its configuration, a run folder for every run, and what is made of them. Several processes may work in it at a
/// time, on one machine or on many; every file is written by one that holds a lock.
///
/// @param path the folder
public record StudyFolder(Path path) {

    /// The file with the configuration, everything written out; it makes a folder a study's.
    public static final String CONFIG_FILE = "study.yaml";
    /// The folder with the run folders.
    public static final String RUNS = "runs";
    /// The report.
    public static final String REPORT_FILE = "report.html";

    /// Whether a folder is a study's.
    public static boolean is(Path folder) {
        return Files.isRegularFile(folder.resolve(CONFIG_FILE));
    }

    /// Makes the folder a study's, or finds that it is.
    ///
    /// @param tell hears what there is to wait for
    /// @throws UserError   if it is another study's, with the differences
    /// @throws IOException if it cannot be made, read or written
    public void claim(StudyConfig config, Consumer<String> tell) throws IOException {
        if (is(path)) {
            requireSame(config);
            return;
        }
        if (Files.exists(path.resolve(RunFolder.INFO_FILE))) {
            throw UserError.failure(path + " is the folder of a single run; choose another --out");
        }
        try (FolderLock lock = new FolderLock(path)) {
            lock.await(tell);
            if (is(path)) {
                requireSame(config);
            } else {
                AtomicFile.writeText(path.resolve(CONFIG_FILE), config.tree().toYaml());
            }
        }
    }

    private void requireSame(StudyConfig config) throws IOException {
        List<String> differences = readConfig().differences(config, "here", "there");
        if (!differences.isEmpty()) {
            throw UserError.failure(path + " holds a study with another configuration: " + String.join("; ", differences)
                    + ". Say the same again to go on with it, or choose another --out");
        }
    }

    /// The configuration that the folder was made with.
    ///
    /// @throws UserError   if it is none
    /// @throws IOException if it cannot be read
    public StudyConfig readConfig() throws IOException {
        return StudyConfig.of(ConfigTree.read(path.resolve(CONFIG_FILE)));
    }

    /// The run folder of a run.
    public Path of(PlannedRun run) {
        return path.resolve(RUNS).resolve(run.folder());
    }

    /// What a run's folder holds, if it was begun. Where a file goes while it is read, because another process begins the run anew, it is
    /// read once more.
    ///
    /// @throws IOException if it cannot be read
    public Optional<RunFolder.Contents> read(PlannedRun run) throws IOException {
        try {
            return readOnce(run);
        } catch (NoSuchFileException e) {
            return readOnce(run);
        }
    }

    private Optional<RunFolder.Contents> readOnce(PlannedRun run) throws IOException {
        return Files.isRegularFile(of(run).resolve(RunFolder.INFO_FILE)) ? Optional.of(RunFolder.open(of(run)).read()) : Optional.empty();
    }
}
