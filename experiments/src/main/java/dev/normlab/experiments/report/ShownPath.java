package dev.normlab.experiments.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Paths of files that exist, as readers are told them: absolute, and without `..` in between.
public final class ShownPath {

    private ShownPath() {}

    /// The path to tell. Where a link before a `..` makes the shortened path another file, it is the file's real path.
    public static Path of(Path path) {
        Path absolute = path.toAbsolutePath();
        Path shortened = absolute.normalize();
        try {
            return Files.isSameFile(absolute, shortened) ? shortened : absolute.toRealPath();
        } catch (IOException e) {
            return reachable(absolute);
        }
    }

    /// Without its shortened path, a file is reached through its real one, where that can be found.
    private static Path reachable(Path absolute) {
        try {
            return absolute.toRealPath();
        } catch (IOException e) {
            return absolute;
        }
    }
}
