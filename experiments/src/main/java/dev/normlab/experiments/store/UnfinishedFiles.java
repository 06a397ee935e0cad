package dev.normlab.experiments.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// The temporary files of processes that were killed while they wrote a file atomically.
public final class UnfinishedFiles {

    private UnfinishedFiles() {}

    /// Removes those in a folder, not in folders inside; whoever calls this must be the only one who writes there.
    ///
    /// @throws IOException if the folder cannot be read, or a file not removed
    public static void removeFrom(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path left : files.filter(file -> file.getFileName().toString().matches("\\..*\\.\\d+-\\d+\\.tmp")).toList()) {
                Files.deleteIfExists(left);
            }
        }
    }
}
