package dev.normlab.engine.io;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Files that are there completely or not at all: the content goes to a temporary file beside the target, is forced to the disk, and then
/// takes the target's name in one step. A crash, a full disk or an exception on the way leaves an older file of that name as it was.
public final class AtomicFile {

    private static final int BUFFER_BYTES = 1 << 16;
    private static final AtomicLong COUNTER = new AtomicLong();
    /// Process numbers alone tell processes of several machines or containers not apart: in containers each is number 1.
    private static final String PROCESS = Long.toHexString(UUID.randomUUID().getMostSignificantBits());
    private static final Pattern TEMPORARY = Pattern.compile("\\.(.*)\\.\\d+-\\d+(-[0-9a-f]+)?\\.tmp");

    private AtomicFile() {}

    /// Writes the content of a file.
    @FunctionalInterface
    public interface Content {

        /// Writes everything to the stream, which the caller closes.
        void writeTo(OutputStream out) throws IOException;
    }

    /// Writes a file atomically, replacing an older one of that name. A symbolic link stays one: the file that it names is replaced.
    ///
    /// @param target the file; its folder must exist
    /// @throws IOException if the folder is missing or cannot be written, the target is a folder, the disk is full, or `content` throws it
    public static void write(Path target, Content content) throws IOException {
        Path file = Files.exists(target) ? target.toRealPath() : target.toAbsolutePath();
        Path folder = file.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IOException("cannot write " + target + ": the folder " + (folder == null ? file : folder) + " does not exist");
        }
        if (Files.isDirectory(file)) {
            throw new IOException("cannot write " + target + ": it is a folder");
        }
        Path temporary = folder
                .resolve("." + file.getFileName() + "." + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + "-" + PROCESS
                        + ".tmp");
        try {
            writeAndForce(temporary, content);
            rename(temporary, file);
        } catch (AccessDeniedException e) {
            throw new IOException("cannot write " + target + ": no permission to write in the folder " + folder, e);
        } catch (FileSystemException e) {
            String reason = e.getReason() == null ? "the system lets no file be made in the folder " + folder : e.getReason();
            throw new IOException("cannot write " + target + ": " + reason, e);
        } finally {
            Files.deleteIfExists(temporary);
        }
        forceFolder(folder);
    }

    /// The name of the file that a temporary file was to become, which a process that was killed has left; nothing if this is none.
    public static Optional<String> unfinished(Path file) {
        Matcher name = TEMPORARY.matcher(String.valueOf(file.getFileName()));
        return name.matches() ? Optional.of(name.group(1)) : Optional.empty();
    }

    /// Writes a text file in UTF-8 atomically; see [#write].
    public static void writeText(Path target, String text) throws IOException {
        write(target, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }

    /// A plain file stream and not a channel, because an interrupt of the thread closes a channel in the middle of writing.
    private static void writeAndForce(Path temporary, Content content) throws IOException {
        Files.createFile(temporary);
        try (FileOutputStream file = new FileOutputStream(temporary.toFile());
                OutputStream out = new BufferedOutputStream(file, BUFFER_BYTES)) {
            content.writeTo(out);
            out.flush();
            file.getFD().sync();
        }
    }

    private static void rename(Path temporary, Path file) throws IOException {
        try {
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /// Makes the new name durable. Some systems do not let a folder be opened; there the name is as durable as they make it.
    private static void forceFolder(Path folder) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            // The file itself is complete and on the disk; only the moment at which its name is durable is unknown.
        }
    }
}
