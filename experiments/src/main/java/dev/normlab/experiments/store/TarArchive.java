package dev.normlab.experiments.store;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/// Unpacks files and folders of tar archives (POSIX ustar), plain or gzipped.
///
/// Source: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>, "ustar Interchange Format". Links, devices and everything
/// that would lie outside the target are refused; extended headers are passed over.
public final class TarArchive {

    private static final int BLOCK = 512;

    private TarArchive() {}

    /// Unpacks an archive into a folder.
    ///
    /// @throws IOException if the archive is damaged, holds something else than files and folders, or a file cannot be written
    public static void unpack(Path archive, Path target) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(archive), 1 << 16)) {
            file.mark(2);
            boolean zipped = file.read() == 0x1F && file.read() == 0x8B;
            file.reset();
            try (InputStream in = zipped ? new GZIPInputStream(file, 1 << 16) : file) {
                unpack(in, archive, target);
            }
        }
    }

    private static void unpack(InputStream in, Path archive, Path target) throws IOException {
        Files.createDirectories(target);
        byte[] header = in.readNBytes(BLOCK);
        while (header.length == BLOCK && header[0] != 0) {
            requireChecksum(header, archive);
            long size = number(header, 124, 12, archive);
            String prefix = text(header, 345, 155);
            String name = (prefix.isEmpty() ? "" : prefix + "/") + text(header, 0, 100);
            switch (header[156]) {
                case '0', 0 -> write(in, size, inside(target, name, archive));
                case '5' -> Files.createDirectories(inside(target, name, archive));
                case 'x', 'g' -> in.skipNBytes(size);
                default -> throw new IOException(archive + ": '" + name + "' is neither a file nor a folder");
            }
            in.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
            header = in.readNBytes(BLOCK);
        }
        if (header.length != BLOCK) {
            throw new IOException(archive + " ends in the middle");
        }
    }

    private static void write(InputStream in, long size, Path file) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        byte[] buffer = new byte[1 << 16];
        try (OutputStream out = Files.newOutputStream(file)) {
            for (long left = size; left > 0;) {
                int read = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
                if (read == 0) {
                    throw new IOException("the archive ends in the middle of " + file.getFileName());
                }
                out.write(buffer, 0, read);
                left -= read;
            }
        }
    }

    private static Path inside(Path target, String name, Path archive) throws IOException {
        Path file = target.resolve(name).normalize();
        if (!file.startsWith(target.normalize())) {
            throw new IOException(archive + ": '" + name + "' would lie outside the folder");
        }
        return file;
    }

    private static void requireChecksum(byte[] header, Path archive) throws IOException {
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xFF;
        }
        if (sum != number(header, 148, 8, archive)) {
            throw new IOException(archive + " is no tar archive, or damaged");
        }
    }

    private static long number(byte[] header, int at, int length, Path archive) throws IOException {
        try {
            return Long.parseLong(text(header, at, length).strip(), 8);
        } catch (NumberFormatException e) {
            throw new IOException(archive + " is no tar archive, or damaged", e);
        }
    }

    private static String text(byte[] header, int at, int length) {
        int end = at;
        while (end < at + length && header[end] != 0) {
            end++;
        }
        return new String(header, at, end - at, StandardCharsets.UTF_8);
    }
}
