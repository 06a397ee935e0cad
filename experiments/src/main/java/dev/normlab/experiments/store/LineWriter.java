package dev.normlab.experiments.store;

import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// Appends JSON lines to a file of a run folder. Every call hands complete lines to the operating system, so that a crash of the program
/// loses none of them; [#sync] also guards against a crash of the machine.
///
/// @param <T> the type of the lines
public final class LineWriter<T extends EpochLine> implements Closeable {

    private final FileOutputStream out;

    LineWriter(Path file) throws IOException {
        this.out = new FileOutputStream(file.toFile(), true);
    }

    /// Appends lines.
    ///
    /// @throws IOException if the disk is full or the file cannot be written
    public void write(List<? extends T> lines) throws IOException {
        StringBuilder text = new StringBuilder();
        for (T line : lines) {
            text.append(Json.line(line)).append('\n');
        }
        out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /// Appends one line.
    ///
    /// @throws IOException if the disk is full or the file cannot be written
    public void write(T line) throws IOException {
        write(List.of(line));
    }

    /// Forces what was written to the disk; call it before a checkpoint of the same epoch is written.
    ///
    /// @throws IOException if the disk refuses
    public void sync() throws IOException {
        out.getFD().sync();
    }

    /// Closes the file.
    @Override
    public void close() throws IOException {
        out.close();
    }
}
