package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.normlab.experiments.store.FolderLock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Downloads from a server on this machine that can break off and knows ranges.
class DataDownloadTest {

    private static final byte[] CONTENT = content();

    @TempDir
    private Path cache;

    private HttpServer server;
    private final List<String> ranges = new ArrayList<>();
    private byte[] archive;
    private int breakAfter = Integer.MAX_VALUE;

    private static byte[] content() {
        byte[] bytes = new byte[400_000];
        new Random(1).nextBytes(bytes); // so that the archive is not much smaller
        return bytes;
    }

    @BeforeEach
    void serve() throws IOException {
        archive = tar("things/a.bin", CONTENT);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/things.tar.gz", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        ranges.add(range);
        int start = range == null ? 0 : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        exchange.sendResponseHeaders(range == null ? 200 : 206, archive.length - start);
        exchange.getResponseBody().write(archive, start, Math.min(archive.length - start, breakAfter));
        exchange.close();
    }

    private static byte[] tar(String name, byte[] content) throws IOException {
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        plain.writeBytes(header("things/", '5', 0));
        plain.writeBytes(header(name, '0', content.length));
        plain.writeBytes(Arrays.copyOf(content, (content.length + 511) / 512 * 512));
        plain.writeBytes(new byte[1024]);
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(plain.toByteArray());
        }
        return zipped.toByteArray();
    }

    private static byte[] header(String name, char type, int size) {
        byte[] header = new byte[512];
        put(header, 0, name);
        put(header, 124, String.format("%011o", size));
        header[156] = (byte) type;
        put(header, 257, "ustar");
        put(header, 148, " ".repeat(8));
        int sum = 0;
        for (byte each : header) {
            sum += each & 0xFF;
        }
        put(header, 148, String.format("%06o\0 ", sum));
        return header;
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    private DataDownload download(String md5) {
        URI uri = URI.create("http://" + server.getAddress().getHostString() + ":" + server.getAddress().getPort() + "/things.tar.gz");
        Progress silent = new Progress(new PrintStream(new ByteArrayOutputStream()), false, true);
        return new DataDownload(new DataDownload.Archive("things", "things.tar.gz", uri, md5, "things"), cache, silent);
    }

    private List<Path> left() throws IOException {
        try (Stream<Path> all = Files.list(cache)) {
            return all.filter(path -> !path.endsWith(FolderLock.FILE)).sorted().toList();
        }
    }

    private String md5() throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(archive));
    }

    @Test
    void anArchiveIsFetchedCheckedAndUnpackedOnce() throws Exception {
        Path folder = download(md5()).run();
        assertArrayEquals(CONTENT, Files.readAllBytes(folder.resolve("a.bin")));
        assertEquals(folder, download(md5()).run());
        assertEquals(1, ranges.size(), "the second time nothing is fetched");
        assertEquals(List.of(folder), left());
    }

    @Test
    void aDownloadThatBrokeOffGoesOn() throws Exception {
        breakAfter = archive.length / 3;
        String message = assertThrows(UserError.class, () -> download(md5()).run()).getMessage();
        assertTrue(message.contains("by hand") && message.contains(md5()) && message.contains(cache.resolve("things.tar.gz").toString()),
                message);
        breakAfter = Integer.MAX_VALUE;
        Path folder = download(md5()).run();
        assertArrayEquals(CONTENT, Files.readAllBytes(folder.resolve("a.bin")));
        String range = ranges.get(1);
        assertTrue(range != null && range.startsWith("bytes="), "the second request asks for a part: " + range);
        int start = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        assertTrue(start > 0 && start <= archive.length / 3, range);
    }

    @Test
    void anArchivePutThereByHandIsTaken() throws Exception {
        String md5 = md5();
        server.stop(0);
        Files.createDirectories(cache);
        Files.write(cache.resolve("things.tar.gz"), archive);
        Files.createDirectories(cache.resolve("things.unpacking123/things"));
        assertArrayEquals(CONTENT, Files.readAllBytes(download(md5).run().resolve("a.bin")));
        assertEquals(List.of(cache.resolve("things"), cache.resolve("things.tar.gz")), left(),
                "the user's own file stays, what an earlier process began to unpack does not");
    }

    /// Falls silent behind the first bytes of the body, or before its head.
    private void fallSilent(CountDownLatch end, boolean answers) {
        server.removeContext("/things.tar.gz");
        server.createContext("/things.tar.gz", exchange -> {
            if (answers) {
                exchange.sendResponseHeaders(200, archive.length);
                exchange.getResponseBody().write(archive, 0, 1000);
                exchange.getResponseBody().flush();
            }
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
    }

    @Test
    void aServerThatTakesARequestAndDoesNotAnswerIsGivenUp() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        fallSilent(end, false);
        String md5 = md5();
        String message = assertTimeoutPreemptively(Duration.ofSeconds(30), () -> assertThrows(UserError.class,
                () -> download(md5).givingUpAfter(Duration.ofMillis(500)).run())).getMessage();
        end.countDown();
        assertTrue(message.contains("no answer came for 1 s") && message.contains("fetch it by hand, put it at")
                && message.contains(cache.resolve("things.tar.gz").toString()) && message.contains(md5), message);
        assertEquals(List.of(), left());
    }

    @Test
    void aBodyThatTakesLongerThanTheLimitWithoutFallingSilentIsFetched() throws Exception {
        server.removeContext("/things.tar.gz");
        server.createContext("/things.tar.gz", exchange -> {
            exchange.sendResponseHeaders(200, archive.length);
            for (int at = 0; at < archive.length; at += archive.length / 8 + 1) {
                exchange.getResponseBody().write(archive, at, Math.min(archive.length / 8 + 1, archive.length - at));
                exchange.getResponseBody().flush();
                LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
            }
            exchange.close();
        });
        assertTrue(Files.isDirectory(download(md5()).givingUpAfter(Duration.ofSeconds(2)).run()));
    }

    @Test
    void aConnectionThatFallsSilentIsGivenUp() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        fallSilent(end, true);
        String md5 = md5();
        String message = assertThrows(UserError.class, () -> download(md5).givingUpAfter(Duration.ofMillis(500)).run()).getMessage();
        end.countDown();
        assertTrue(message.contains("no byte came for 1 s") && message.contains("Run the command again to go on"), message);
        assertEquals(1000, Files.size(cache.resolve("things.tar.gz.part")));
    }

    @Test
    void anotherProcessInTheSameFolderIsNamed() throws Exception {
        String md5 = md5();
        try (FolderLock other = new FolderLock(cache)) {
            other.acquire();
            assertThrows(IOException.class, () -> download(md5).run());
        }
        assertEquals(0, ranges.size());
    }

    @Test
    void aDamagedArchiveIsRefusedAndNothingIsUnpacked() {
        String message = assertThrows(UserError.class, () -> download("0".repeat(32)).run()).getMessage();
        assertTrue(message.contains("MD5 checksum") && message.contains("Remove it"), message);
        assertFalse(Files.exists(cache.resolve("things")));
    }

    @Test
    void aServerThatIsNotThereOrDoesNotHaveItIsNamed() {
        server.removeContext("/things.tar.gz");
        String message = assertThrows(UserError.class, () -> download("0".repeat(32)).run()).getMessage();
        assertTrue(message.contains("answers 404"), message);
        server.stop(0);
        assertTrue(assertThrows(UserError.class, () -> download("0".repeat(32)).run()).getMessage().contains("could not fetch"));
    }

    @Test
    void anArchiveThatLeavesItsFolderIsRefused() throws Exception {
        archive = tar("../outside.bin", CONTENT);
        String md5 = md5();
        assertTrue(assertThrows(IOException.class, () -> download(md5).run()).getMessage().contains("outside the folder"));
        assertEquals(List.of(cache.resolve("things.tar.gz")), left(), "nothing half unpacked is left");
        assertFalse(Files.exists(cache.resolve("outside.bin")) || Files.exists(cache.getParent().resolve("outside.bin")));
    }
}
