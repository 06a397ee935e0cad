package dev.normlab.experiments.store;

import dev.normlab.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;

/// The temporary files of processes that were killed while they wrote a file atomically.
public final class UnfinishedFiles {

    /// Nobody writes a file for so long, and the clocks of two machines do not differ by so much.
    private static final Duration OLD = Duration.ofHours(1);

    private UnfinishedFiles() {}

    /// Removes those in a folder, not in folders inside, that are older than an hour: younger ones may be what another process, on this
    /// machine or another one, is writing.
    ///
    /// @throws IOException if the folder cannot be read, or a file not removed
    public static void removeFrom(Path folder) throws IOException {
        Instant before = Instant.now().minus(OLD);
        try (Stream<Path> files = Files.list(folder)) {
            for (Path left : files.filter(file -> AtomicFile.unfinished(file).isPresent()).toList()) {
                if (isOlder(left, before)) {
                    Files.deleteIfExists(left);
                }
            }
        }
    }

    private static boolean isOlder(Path file, Instant time) throws IOException {
        try {
            return Files.getLastModifiedTime(file).toInstant().isBefore(time);
        } catch (NoSuchFileException e) {
            return false; // it has got its name by now
        }
    }
}
