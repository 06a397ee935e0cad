package dev.normlab.engine.io;

import static dev.normlab.engine.io.Fixture.assertFormatError;
import static dev.normlab.engine.io.Fixture.assertHalves;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpzTest {

    @TempDir
    Path folder;

    private Path zip(Map<String, byte[]> entries) throws IOException {
        Path file = folder.resolve("made.npz");
        try (OutputStream out = Files.newOutputStream(file); ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
        return file;
    }

    private static byte[] npy(NumberArray array) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Npy.write(out, array);
        return out.toByteArray();
    }

    @Test
    void storedAndDeflatedArchivesOfNumpyAreRead() throws IOException {
        for (String name : new String[] {"stored.npz", "deflated.npz"}) {
            Map<String, NumberArray> arrays = Npz.read(Fixture.file(name));
            assertEquals(List.of("x", "y"), List.copyOf(arrays.keySet()));
            assertHalves(arrays.get("x"), 2, 3, 4, 4);
            assertArrayEquals(new long[] {0, 1}, assertInstanceOf(NumberArray.Longs.class, arrays.get("y")).values());
        }
    }

    @Test
    void someArraysCanBeReadAlone() throws IOException {
        assertEquals(Set.of("y"), Npz.read(Fixture.file("stored.npz"), Set.of("y")).keySet());
        assertFormatError(() -> Npz.read(Fixture.file("stored.npz"), Set.of("z")), "stored.npz", "\"z\"", "[x, y]");
    }

    @Test
    void whatIsWrittenIsReadBackAndTheSameArraysGiveTheSameBytes() throws IOException {
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        arrays.put("x", NumberArray.of(Fixture.halves(24), 2, 3, 4));
        arrays.put("pred", NumberArray.of(new int[] {3, -1}, 2));
        arrays.put("é", NumberArray.of(new byte[] {-1}, 1));
        Path first = folder.resolve("first.npz");
        Path second = folder.resolve("second.npz");
        Npz.write(first, arrays);
        Npz.write(second, arrays);
        assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(second));
        Map<String, NumberArray> read = Npz.read(first);
        assertEquals(List.of("x", "pred", "é"), List.copyOf(read.keySet()));
        assertHalves(read.get("x"), 2, 3, 4);
        assertArrayEquals(new int[] {3, -1}, assertInstanceOf(NumberArray.Ints.class, read.get("pred")).values());
        assertEquals(255, read.get("é").integer(0));
    }

    @Test
    void entriesThatAreNoArraysAreLeftOut() throws IOException {
        Path file = zip(Map.of("x.npy", npy(NumberArray.of(new int[] {1}, 1)), "README.txt", new byte[] {'h', 'i'}));
        assertEquals(Set.of("x"), Npz.read(file).keySet());
    }

    @Test
    void anArrayShorterOrLongerThanItsHeaderSaysIsAnError() throws IOException {
        byte[] whole = npy(NumberArray.of(new int[] {1, 2, 3}, 3));
        for (int length : new int[] {0, 5, 100, whole.length - 1, whole.length + 1}) {
            Path file = zip(Map.of("x.npy", Arrays.copyOf(whole, length)));
            assertFormatError(() -> Npz.read(file), "made.npz:x");
        }
    }

    @Test
    void aHugeShapeInASmallEntryIsAnErrorBeforeMemoryIsSetAside() throws IOException {
        byte[] content = npy(NumberArray.of(new byte[10], 10));
        String header = new String(content, StandardCharsets.ISO_8859_1).replace("(10,), }        ", "(2000000000,), }");
        Path file = zip(Map.of("x.npy", header.getBytes(StandardCharsets.ISO_8859_1)));
        assertFormatError(() -> Npz.read(file), "made.npz:x", "expected 2000000000 bytes", "got 10");
    }

    /// Overwrites the sizes that the central directory announces for the only entry.
    private Path withAnnouncedSize(int size) throws IOException {
        byte[] content = Files.readAllBytes(zip(Map.of("x.npy", npy(NumberArray.of(new byte[1000], 1000)))));
        ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        int central = content.length - 22 - 46 - "x.npy".length();
        assertEquals(0x02014b50, buffer.getInt(central));
        buffer.putInt(central + 24, size);
        return Files.write(folder.resolve("bomb.npz"), content);
    }

    @Test
    void announcedSizesThatCannotBeAreErrors() throws IOException {
        assertFormatError(() -> Npz.read(withAnnouncedSize(2_000_000_000)), "bomb.npz:x", "announces 2000000000 bytes");
        assertFormatError(() -> Npz.read(withAnnouncedSize(2000)), "bomb.npz:x", "expected 1000 bytes");
        assertFormatError(() -> Npz.read(withAnnouncedSize(1100)), "bomb.npz:x", "expected 1000 bytes");
    }

    @Test
    void anyDamagedByteOfTheDataIsAnError() throws IOException {
        for (String name : new String[] {"stored.npz", "deflated.npz"}) {
            byte[] content = Files.readAllBytes(Fixture.file(name));
            int dataStart = 30 + "x.npy".length() + 20;
            for (int i = dataStart; i < dataStart + 60; i++) {
                byte[] damaged = content.clone();
                damaged[i] ^= 0x10;
                Path file = Files.write(folder.resolve("damaged.npz"), damaged);
                assertFormatError(() -> Npz.read(file), "damaged.npz");
            }
        }
    }

    @Test
    void everyTruncationIsAnError() throws IOException {
        byte[] whole = Files.readAllBytes(Fixture.file("deflated.npz"));
        for (int length = 0; length < whole.length; length++) {
            Path file = Files.write(folder.resolve("cut.npz"), Arrays.copyOf(whole, length));
            assertFormatError(() -> Npz.read(file), "cut.npz");
        }
    }

    @Test
    void aMissingFileIsAnErrorThatNamesIt() {
        assertThrows(FileNotFoundException.class, () -> Npz.read(folder.resolve("absent.npz")));
    }
}
