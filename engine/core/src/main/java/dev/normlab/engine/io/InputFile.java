package dev.normlab.engine.io;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Checks before a file is opened, so that the message says what is wrong and not only the path.
final class InputFile {

    private InputFile() {}

    /// The length in bytes of a file that is there and readable.
    ///
    /// @throws IOException if it does not exist, is a folder, or may not be read
    static long checkedLength(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new FileNotFoundException("there is no file " + file);
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException("expected a file, but " + file + " is " + (Files.isDirectory(file) ? "a folder" : "something else"));
        }
        if (!Files.isReadable(file)) {
            throw new IOException("no permission to read " + file);
        }
        return Files.size(file);
    }
}
