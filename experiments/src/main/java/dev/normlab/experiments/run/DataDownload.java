package dev.normlab.experiments.run;

import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.TarArchive;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/// Fetches a data set from its official address into a cache folder: resumable, checked, unpacked.
///
/// While it is under way there is a file `NAME.part`; a later call goes on from its end. An archive that a user puts into the folder by
/// hand is taken like a fetched one. What is unpacked appears under its name only when it is whole.
public final class DataDownload {

    private static final Duration CONNECT = Duration.ofSeconds(30);
    private static final Duration STALL = Duration.ofSeconds(60);
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final String UNPACKING = ".unpacking";
    private static final int OK = 200;
    private static final int PARTIAL = 206;
    private static final int RANGE_NOT_SATISFIABLE = 416;

    private final Archive archive;
    private final Path cache;
    private final Progress progress;
    private Duration stall = STALL;

    /// What there is to fetch.
    ///
    /// @param name   what the user calls it
    /// @param file   the archive's name
    /// @param uri    where it is
    /// @param md5    checksum that its authors give, in hexadecimal
    /// @param folder that it holds
    public record Archive(String name, String file, URI uri, String md5, String folder) {

        /// This archive from another address.
        public Archive from(URI other) {
            return new Archive(name, file, other, md5, folder);
        }
    }

    /// Downloads into a folder.
    ///
    /// @param cache the folder for archives and data
    public DataDownload(Archive archive, Path cache, Progress progress) {
        this.archive = archive;
        this.cache = cache;
        this.progress = progress;
    }

    /// Gives a connection up from which no answer or no byte of it has come for so long (60 seconds unless said).
    DataDownload givingUpAfter(Duration silence) {
        stall = silence;
        return this;
    }

    /// Fetches what is missing. One process at a time works in the cache folder.
    ///
    /// @return the folder with the data
    /// @throws UserError if it cannot be fetched; the message says how to do it by hand
    public Path run() throws IOException {
        try (FolderLock lock = new FolderLock(cache)) {
            lock.acquire();
            return runAlone();
        }
    }

    private Path runAlone() throws IOException {
        Path data = cache.resolve(archive.folder);
        if (Files.isDirectory(data)) {
            progress.line(archive.name + ": is there already");
            return data;
        }
        removeUnfinished();
        Path file = cache.resolve(archive.file);
        boolean byHand = Files.isRegularFile(file);
        if (!byHand) {
            fetch(file);
        }
        String found = md5(file);
        if (!found.equals(archive.md5)) {
            throw UserError.failure(archive.name + ": " + file + " has the MD5 checksum " + found + ", but the authors give " + archive.md5
                    + "; it is damaged, or another version. Remove it and run the command again");
        }
        progress.line("unpacking " + file.getFileName());
        Path fresh = Files.createTempDirectory(cache, archive.name + UNPACKING);
        try {
            TarArchive.unpack(file, fresh);
            Path unpacked = fresh.resolve(archive.folder);
            if (!Files.isDirectory(unpacked)) {
                throw new IOException(file + ": expected a folder " + archive.folder + " in it");
            }
            Files.move(unpacked, data);
        } finally {
            remove(fresh);
        }
        if (byHand) {
            progress.line("the archive stays: " + file);
        } else {
            Files.delete(file);
        }
        return data;
    }

    /// Folders of an unpacking that was killed.
    private void removeUnfinished() throws IOException {
        try (Stream<Path> all = Files.list(cache)) {
            for (Path each : all.filter(path -> path.getFileName().toString().startsWith(archive.name + UNPACKING)).toList()) {
                remove(each);
            }
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }

    private void fetch(Path file) throws IOException {
        Path part = cache.resolve(archive.file + ".part");
        try {
            long have = Files.isRegularFile(part) ? Files.size(part) : 0;
            HttpResponse<InputStream> response = request(have);
            boolean resumed = response.statusCode() == PARTIAL;
            if (response.statusCode() != RANGE_NOT_SATISFIABLE) { // which means that nothing is left to fetch
                if (response.statusCode() != OK && !resumed) {
                    response.body().close();
                    throw new IOException("the server answers " + response.statusCode());
                }
                long start = resumed ? have : 0;
                long total = start + response.headers().firstValueAsLong("content-length").orElse(-1 - start);
                copy(response.body(), part, start, total);
            } else {
                response.body().close();
            }
            Files.move(part, file);
        } catch (IOException e) {
            throw unreachable(file, e.getMessage() == null ? e.toString() : e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(file, "interrupted");
        }
    }

    private HttpResponse<InputStream> request(long have) throws IOException, InterruptedException {
        // the time limit of a request ends with the head of its answer; the body has a watch of its own
        HttpRequest.Builder request = HttpRequest.newBuilder(archive.uri).timeout(stall);
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
        }
        HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT).followRedirects(HttpClient.Redirect.NORMAL).build();
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (HttpConnectTimeoutException e) {
            throw e;
        } catch (HttpTimeoutException e) {
            throw new IOException("no answer came for " + seconds(stall), e);
        }
    }

    private void copy(InputStream body, Path part, long start, long total) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long done = start;
        try (InputStream in = body;
                OutputStream out = start > 0
                        ? Files.newOutputStream(part, StandardOpenOption.APPEND)
                        : Files.newOutputStream(part)) {
            progress.line((start > 0 ? "going on with " : "fetching ") + archive.uri);
            Watch watch = new Watch(in, stall);
            for (int read = watch.read(buffer); read >= 0; read = watch.read(buffer)) {
                out.write(buffer, 0, read);
                done += read;
                progress.update(String.format(Locale.ROOT, "%.1f MB%s", done / 1e6,
                        total > 0 ? String.format(Locale.ROOT, " of %.1f MB", total / 1e6) : ""));
            }
        }
        progress.clear();
        if (total > 0 && done < total) {
            throw new IOException("the connection ended after " + done + " of " + total + " bytes");
        }
    }

    /// Reads a stream and closes it when no byte has come for too long: its own reads have no time limit.
    private static final class Watch {

        private final InputStream in;
        private final Duration stall;
        private final AtomicLong latest = new AtomicLong(System.nanoTime());
        private volatile boolean silent;
        private volatile boolean ended;

        Watch(InputStream in, Duration stall) {
            this.in = in;
            this.stall = stall;
            Thread.ofVirtual().start(this::closeWhenSilent);
        }

        int read(byte[] buffer) throws IOException {
            try {
                int read = in.read(buffer);
                latest.set(System.nanoTime());
                ended = read < 0;
                if (!silent) {
                    return read;
                }
            } catch (IOException e) {
                ended = true;
                if (!silent) {
                    throw e;
                }
            }
            throw new IOException("no byte came for " + seconds(stall));
        }

        private void closeWhenSilent() {
            try {
                while (!ended && System.nanoTime() - latest.get() < stall.toNanos()) {
                    Thread.sleep(LOOK);
                }
                if (!ended) {
                    silent = true;
                    in.close();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException e) {
                // Whoever reads gets it, too.
            }
        }
    }

    private static String seconds(Duration duration) {
        return Math.max(1, duration.toSeconds()) + " s";
    }

    private UserError unreachable(Path file, String reason) {
        return UserError.failure(
                archive.name + ": could not fetch " + archive.uri + " (" + reason + "). Run the command again to go on, or fetch it "
                        + "by hand, put it at " + file + " and run the command again (its MD5 checksum is " + archive.md5 + ")");
    }

    private static String md5(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            byte[] buffer = new byte[1 << 16];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has MD5", e);
        }
    }
}
