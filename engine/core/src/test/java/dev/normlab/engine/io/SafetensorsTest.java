package dev.normlab.engine.io;

import static dev.normlab.engine.io.Fixture.assertFormatError;
import static dev.normlab.engine.io.Fixture.assertHalves;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.normlab.engine.tensor.RandomStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {

    @TempDir
    Path folder;

    /// A file with this header and so many zero bytes of data.
    private Path file(String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return bytes(
                ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json).array());
    }

    private Path bytes(byte[] content) throws IOException {
        return Files.write(folder.resolve("hostile.safetensors"), content);
    }

    private static String tensor(String name, String type, String shape, String offsets) {
        return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
    }

    @Test
    void everyTypeOfTheOfficialWriterIsRead() throws IOException {
        Safetensors.Contents contents = Safetensors.read(Fixture.file("every-type.safetensors"));
        Map<String, NumberArray> tensors = contents.tensors();
        assertEquals(7, tensors.size());
        assertHalves(contents.floats("features.0.weight"), 4, 3, 1, 2);
        assertHalves(contents.floats("half"), 5);
        assertHalves(contents.floats("brain"), 2, 3);
        assertHalves(contents.floats("empty"), 0, 3);
        NumberArray.Longs steps = assertInstanceOf(NumberArray.Longs.class, tensors.get("bn.num_batches_tracked"));
        assertEquals(0, steps.shape().rank());
        assertArrayEquals(new long[] {7_000_000_000L}, steps.values());
        assertArrayEquals(new int[] {0, 1, 2}, assertInstanceOf(NumberArray.Ints.class, tensors.get("classes")).values());
        assertArrayEquals(new byte[] {-4, -3, -2, -1}, assertInstanceOf(NumberArray.Bytes.class, tensors.get("pixels")).values());
        assertEquals(Map.of("épsilon", "a \"quoted\" \\ line\n"), contents.metadata());
    }

    @Test
    void theBytesWrittenAreThoseOfTheOfficialWriter() throws IOException {
        Map<String, NumberArray> tensors = new LinkedHashMap<>();
        tensors.put("pixels", NumberArray.of(new byte[] {0, 1, 2, 3, 4}, 5));
        tensors.put("b.weight", NumberArray.of(Fixture.halves(6), 2, 3));
        tensors.put("labels", NumberArray.of(new int[] {0, 1, 2}, 3));
        tensors.put("steps", NumberArray.of(new long[] {12}));
        tensors.put("a.bias", NumberArray.of(Fixture.halves(3), 3));
        Path written = folder.resolve("written.safetensors");
        Safetensors.write(written, tensors, Map.of("format", "pt"));
        assertArrayEquals(Files.readAllBytes(Fixture.file("written-types.safetensors")), Files.readAllBytes(written));
    }

    @Test
    void whatIsWrittenIsReadBackBitwise() throws IOException {
        float[] values = new float[300_001];
        RandomStream stream = RandomStream.of(1, "test");
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(stream.nextBits());
        }
        Path written = folder.resolve("weights.safetensors");
        Safetensors.write(written, Map.of("w", NumberArray.of(values, 300_001), "nothing", NumberArray.of(new int[0], 2, 0)), Map.of());
        Safetensors.Contents contents = Safetensors.read(written);
        float[] read = contents.floats("w").values();
        for (int i = 0; i < values.length; i++) {
            assertEquals(Float.floatToRawIntBits(values[i]), Float.floatToRawIntBits(read[i]));
        }
        assertEquals(0, contents.tensors().get("nothing").length());
        assertEquals(Map.of(), contents.metadata());
    }

    @Test
    void aMissingTensorAndOneOfIntegersAreErrorsThatNameIt() throws IOException {
        Safetensors.Contents contents = Safetensors.read(Fixture.file("every-type.safetensors"));
        assertFormatError(() -> contents.floats("classes"), "every-type.safetensors", "\"classes\"", "floating-point", "int");
        assertFormatError(() -> contents.floats("absent"), "every-type.safetensors", "\"absent\"");
    }

    @Test
    void aMissingFileAndAFolderAreErrorsThatNameThem() {
        assertThrows(FileNotFoundException.class, () -> Safetensors.read(folder.resolve("absent.safetensors")));
        IOException error = assertThrows(IOException.class, () -> Safetensors.read(folder));
        assertEquals("expected a file, but " + folder + " is a folder", error.getMessage());
    }

    @Test
    void anAbsurdHeaderLengthIsAnError() throws IOException {
        for (long length : new long[] {1L << 60, -1, Long.MIN_VALUE, 100_000_001}) {
            Path file = bytes(ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
            assertFormatError(() -> Safetensors.read(file), "hostile.safetensors", "at most 100000000 bytes",
                    Long.toUnsignedString(length));
        }
    }

    @Test
    void everyTruncationOfAFileIsAnError() throws IOException {
        byte[] whole = Files.readAllBytes(Fixture.file("every-type.safetensors"));
        for (int length = 0; length < whole.length; length++) {
            Path file = bytes(Arrays.copyOf(whole, length));
            assertFormatError(() -> Safetensors.read(file), "hostile.safetensors");
        }
    }

    @Test
    void bytesAfterTheLastTensorAreAnError() throws IOException {
        Path file = file("{" + tensor("a", "F32", "[2]", "[0,8]") + "}", 9);
        assertFormatError(() -> Safetensors.read(file), "expected the file to end after the last tensor", "has 9");
    }

    @Test
    void offsetsOutsideTheFileAreAnError() throws IOException {
        Path file = file("{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[4]", "[8,24]") + "}", 16);
        assertFormatError(() -> Safetensors.read(file), "\"b\" ends at byte 24", "has only 16");
    }

    @Test
    void overlapsAndHolesAreErrors() throws IOException {
        Path overlap = file("{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[2]", "[4,12]") + "}", 12);
        assertFormatError(() -> Safetensors.read(overlap), "\"b\"", "begin at byte 8", "begins at 4", "overlap");
        Path same = file("{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[2]", "[0,8]") + "}", 8);
        assertFormatError(() -> Safetensors.read(same), "overlap");
        Path hole = file("{" + tensor("a", "F32", "[2]", "[0,8]") + "," + tensor("b", "F32", "[2]", "[12,20]") + "}", 20);
        assertFormatError(() -> Safetensors.read(hole), "\"b\"", "begin at byte 8", "begins at 12", "holes");
        Path atStart = file("{" + tensor("a", "F32", "[2]", "[4,12]") + "}", 12);
        assertFormatError(() -> Safetensors.read(atStart), "holes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[8,0]", "[-8,0]", "[0]", "[]", "[0,8,8]", "[0.0,8.0]", "[\"0\",\"8\"]", "[null,8]", "[0,9223372036854775807]"})
    void badOffsetsAreAnError(String offsets) throws IOException {
        Path file = file("{" + tensor("a", "F32", "[2]", offsets) + "}", 8);
        assertFormatError(() -> Safetensors.read(file), "the tensor \"a\"", "data_offsets");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[-1]", "[2,-1]", "[65536,65536]", "[4294967296,4294967296,4294967296]", "[9223372036854775807,2]",
        "[2147483647]", "[1.5]",
        "[\"2\"]", "[null]", "[[2]]"})
    void badShapesAreAnError(String shape) throws IOException {
        Path file = file("{" + tensor("a", "F32", shape, "[0,8]") + "}", 8);
        assertFormatError(() -> Safetensors.read(file), "the shape of the tensor \"a\"");
    }

    @Test
    void aPlaceThatDoesNotFitShapeAndTypeIsAnError() throws IOException {
        Path wrongShape = file("{" + tensor("a", "F32", "[3]", "[0,8]") + "}", 8);
        assertFormatError(() -> Safetensors.read(wrongShape), "expected 12 bytes for the tensor \"a\" of type F32 and shape [3]", "span 8");
        Path wrongType = file("{" + tensor("a", "F16", "[2]", "[0,8]") + "}", 8);
        assertFormatError(() -> Safetensors.read(wrongType), "expected 4 bytes for the tensor \"a\" of type F16");
    }

    @Test
    void anUnknownTypeIsAnErrorThatListsTheKnownOnes() throws IOException {
        Path file = file("{" + tensor("a", "F8_E5M2", "[8]", "[0,8]") + "}", 8);
        assertFormatError(() -> Safetensors.read(file), "\"F8_E5M2\"", "BF16", "I64");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "7", "{\"a\":7}", "{\"a\":{}}", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}",
        "{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":[]}",
        "{\"a\":1,\"a\":1}"})
    void aHeaderThatIsNotAnObjectOfTensorsIsAnError(String header) throws IOException {
        Path file = file(header, 8);
        assertFormatError(() -> Safetensors.read(file), "hostile.safetensors");
    }

    @Test
    void aHeaderThatIsNotUtf8IsAnError() throws IOException {
        byte[] content = new byte[12];
        content[0] = 4;
        content[8] = (byte) 0xC3;
        Path file = bytes(content);
        assertFormatError(() -> Safetensors.read(file), "UTF-8");
    }

    @Test
    void theReservedNameIsRefusedAndNothingIsWritten() {
        Path target = folder.resolve("reserved.safetensors");
        assertThrows(IllegalArgumentException.class,
                () -> Safetensors.write(target, Map.of("__metadata__", NumberArray.of(new float[1], 1)), Map.of()));
        assertFalse(Files.exists(target));
    }

    @Test
    void aFileWithoutTensorsIsValid() throws IOException {
        assertEquals(List.of(), List.copyOf(Safetensors.read(file("{}", 0)).tensors().keySet()));
    }
}
