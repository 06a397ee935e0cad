package dev.normlab.experiments.store;

import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/// The log of a run folder: what was told while the run went on, one line each, after the time in UTC. A run that goes on later adds to it.
public final class RunLog implements Closeable {

    /// The name of the file.
    public static final String FILE = "log.txt";

    private final FileOutputStream out;

    /// Opens the log.
    ///
    /// @throws IOException if the file cannot be opened
    public RunLog(Path folder) throws IOException {
        out = new FileOutputStream(folder.resolve(FILE).toFile(), true);
    }

    /// Adds a line.
    ///
    /// @throws UncheckedIOException if the file cannot be written
    public void line(String text) {
        try {
            out.write((Instant.now().truncatedTo(ChronoUnit.SECONDS) + " " + text + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Closes the file.
    @Override
    public void close() throws IOException {
        out.close();
    }
}
