package dev.normlab.engine.io;

import static dev.normlab.engine.io.Fixture.assertFormatError;
import static dev.normlab.engine.io.Fixture.assertHalves;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.normlab.engine.tensor.Shape;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {

    @TempDir
    Path folder;

    private static NumberArray read(String name) throws IOException {
        return Npy.read(Fixture.file(name + ".npy"));
    }

    private Path file(int version, String header, int dataBytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer content = ByteBuffer.allocate(12 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        content.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        if (version == 1) {
            content.putShort((short) text.length);
        } else {
            content.putInt(text.length);
        }
        content.put(text);
        return Files.write(folder.resolve("hostile.npy"), Arrays.copyOf(content.array(), content.position() + dataBytes));
    }

    @Test
    void singlePrecisionIsReadInEveryVersionByteOrderAndIndexOrder() throws IOException {
        for (String name : new String[] {"f4", "f4-big-endian", "f4-fortran"}) {
            assertHalves(read(name), 2, 3, 4);
        }
        assertHalves(read("f4-version-2"), 2, 3);
        assertHalves(read("f4-version-3"), 2, 3);
    }

    @Test
    void otherFloatingPointNumbersBecomeSinglePrecision() throws IOException {
        assertHalves(read("f8"), 2, 3);
        assertHalves(read("f8-big-endian-fortran"), 2, 3);
        assertHalves(read("f2"), 7);
    }

    @Test
    void integersAreReadWithTheirValues() throws IOException {
        int[] six = {0, 1, 2, 3, 4, 5};
        assertArrayEquals(six, assertInstanceOf(NumberArray.Ints.class, read("i4")).values());
        assertArrayEquals(six, assertInstanceOf(NumberArray.Ints.class, read("i4-big-endian")).values());
        assertArrayEquals(new int[] {65533, 65534, 65535}, assertInstanceOf(NumberArray.Ints.class, read("u2")).values());
        assertArrayEquals(new long[] {5_000_000_000L, 5_000_000_001L, 5_000_000_002L},
                assertInstanceOf(NumberArray.Longs.class, read("i8")).values());
        assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5}, assertInstanceOf(NumberArray.Longs.class, read("i8-fortran")).values());
        for (String name : new String[] {"u1", "u1-fortran"}) {
            NumberArray.Bytes bytes = assertInstanceOf(NumberArray.Bytes.class, read(name));
            assertArrayEquals(new byte[] {-4, -3, -2, -1}, bytes.values());
            assertEquals(255, bytes.integer(3));
        }
        assertArrayEquals(new byte[] {1, 0, 1}, assertInstanceOf(NumberArray.Bytes.class, read("bool")).values());
    }

    @Test
    void scalarsAndEmptyArraysKeepTheirShape() throws IOException {
        NumberArray.Floats scalar = assertInstanceOf(NumberArray.Floats.class, read("scalar"));
        assertEquals(0, scalar.shape().rank());
        assertEquals(2.5f, scalar.values()[0]);
        assertEquals(Shape.of(0, 3), read("empty").shape());
    }

    @Test
    void typesThatAreNotNumbersHereAreErrors() {
        assertFormatError(() -> read("complex"), "complex.npy", "'<c8'", "f4");
        assertFormatError(() -> read("records"), "records.npy", "arrays of records are not read here");
    }

    @Test
    void whatIsWrittenIsReadBackAndStartsAligned() throws IOException {
        NumberArray[] arrays = {NumberArray.of(Fixture.halves(24), 2, 3, 4), NumberArray.of(new int[] {Integer.MIN_VALUE, 7}, 2),
            NumberArray.of(new long[] {Long.MIN_VALUE}), NumberArray.of(new byte[] {-1, 0, 1}, 1, 3), NumberArray.of(new float[0], 0, 5)};
        for (NumberArray array : arrays) {
            Path file = folder.resolve("array.npy");
            Npy.write(file, array);
            NumberArray read = Npy.read(file);
            assertEquals(array.shape(), read.shape());
            assertEquals(array.kind(), read.kind());
            long dataBytes = (long) array.length() * ElementType.of(array).bytes();
            assertEquals(0, (Files.size(file) - dataBytes) % 64);
        }
        Path file = folder.resolve("floats.npy");
        Npy.write(file, arrays[0]);
        assertHalves(Npy.read(file), 2, 3, 4);
    }

    @Test
    void everyTruncationAndAnExtraByteAreErrors() throws IOException {
        byte[] whole = Files.readAllBytes(Fixture.file("f4.npy"));
        for (int length = 0; length <= whole.length + 1; length++) {
            if (length != whole.length) {
                Path file = Files.write(folder.resolve("cut.npy"), Arrays.copyOf(whole, length));
                assertFormatError(() -> Npy.read(file), "cut.npy");
            }
        }
    }

    @Test
    void hostileLengthsAreErrorsBeforeMemoryIsSetAside() throws IOException {
        Path large = file(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,), }", 8);
        assertFormatError(() -> Npy.read(large), "expected 8000000000 bytes", "got 8");
        Path overflow = file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (65536, 65536, 65536, 65536), }", 8);
        assertFormatError(() -> Npy.read(overflow), "at most 2147483583 numbers");
        byte[] header = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, -1, -1, -1, -1};
        Path longHeader = Files.write(folder.resolve("long.npy"), header);
        assertFormatError(() -> Npy.read(longHeader), "at most 65536 bytes", "4294967295");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{}", "[]", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 2}", "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (2,)}"})
    void aHeaderThatIsNotTheDictionaryIsAnError(String header) throws IOException {
        Path file = file(1, header, 8);
        assertFormatError(() -> Npy.read(file), "hostile.npy", "bad npy header");
    }

    @Test
    void headersAsOtherProgramsWriteThemAreRead() throws IOException {
        for (String header : new String[] {"{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"<i4\"}\n",
            "{ 'descr' : '=i4' , 'fortran_order' : True , 'shape' : ( 2 ) , }   "}) {
            assertEquals(Shape.of(2), Npy.read(file(1, header, 8)).shape());
        }
    }

    @Test
    void anotherMagicAndAnotherVersionAreErrors() throws IOException {
        Path text = Files.writeString(folder.resolve("text.npy"), "hello world");
        assertFormatError(() -> Npy.read(text), "text.npy", "93 4E 55 4D 50 59", "68 65 6C");
        Path version = file(9, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8);
        assertFormatError(() -> Npy.read(version), "version 1, 2 or 3", "version 9");
        assertThrows(FileNotFoundException.class, () -> Npy.read(folder.resolve("absent.npy")));
    }
}
