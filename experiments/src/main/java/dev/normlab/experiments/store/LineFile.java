package dev.normlab.experiments.store;

import dev.normlab.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A file of JSON lines that a crash may have cut in its last line.
///
/// @param lines the complete lines
/// @param remarks what was left out, as sentences; empty if nothing was
record LineFile<T>(List<T> lines, List<String> remarks) {

    /// Reads a file; a file that is not there has no lines.
    ///
    /// @throws IOException if the file cannot be read, or a line other than an unfinished last one is not of this type
    static <T> LineFile<T> read(Path file, Class<T> type) throws IOException {
        if (Files.notExists(file)) {
            return new LineFile<>(List.of(), List.of());
        }
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        List<T> lines = new ArrayList<>();
        int number = 0;
        int start = 0;
        while (start < text.length()) {
            int end = text.indexOf('\n', start);
            boolean finished = end >= 0;
            String line = text.substring(start, finished ? end : text.length());
            number++;
            try {
                lines.add(Json.read(line, type, file, number));
            } catch (IOException e) {
                if (finished) {
                    throw e;
                }
                return new LineFile<>(lines, List.of("The last line of " + file.getFileName() + " (line " + number
                        + ") is unfinished and was left out; the run probably stopped while it was written."));
            }
            start = finished ? end + 1 : text.length();
        }
        return new LineFile<>(lines, List.of());
    }

    /// Rewrites the file so that it ends with `lastEpoch`: later lines and an unfinished line go. A file that needs no change is not
    /// touched.
    static <T extends EpochLine> void truncate(Path file, Class<T> type, int lastEpoch) throws IOException {
        List<T> lines = read(file, type).lines();
        StringBuilder kept = new StringBuilder();
        for (T line : lines) {
            if (line.epoch() <= lastEpoch) {
                kept.append(Json.line(line)).append('\n');
            }
        }
        byte[] content = kept.toString().getBytes(StandardCharsets.UTF_8);
        if (Files.notExists(file) || !Arrays.equals(content, Files.readAllBytes(file))) {
            AtomicFile.write(file, out -> out.write(content));
        }
    }
}
