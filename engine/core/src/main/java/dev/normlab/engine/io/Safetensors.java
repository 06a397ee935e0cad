package dev.normlab.engine.io;

import dev.normlab.engine.tensor.Shape;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The safetensors format: eight bytes with the length of a header, the header in JSON (for every tensor its type, shape and place), and
/// the numbers, row-major and little-endian.
///
/// Nothing in the header is believed unchecked: its length is at most 100 MB as in the format's own reader, every tensor lies in the file,
/// its place is as long as its type and shape demand, and the tensors fill the data without holes or overlaps. A name that comes twice is
/// an error. Source: the format's description, https://huggingface.co/docs/safetensors.
public final class Safetensors {

    private static final int LENGTH_BYTES = 8;
    private static final int MAX_HEADER_BYTES = 100_000_000;
    private static final int MAX_HEADER_VALUES = 5_000_000;
    private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 64;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final String METADATA_KEY = "__metadata__";

    private Safetensors() {}

    /// What a safetensors file holds.
    ///
    /// @param source the file, for messages
    /// @param tensors the tensors by name, in the order of the file's data
    /// @param metadata the file's own strings
    public record Contents(String source, Map<String, NumberArray> tensors, Map<String, String> metadata) {

        /// The floating-point tensor of a name.
        ///
        /// @throws FormatException if there is none, or it holds integers
        public NumberArray.Floats floats(String name) throws FormatException {
            NumberArray tensor = tensors.get(name);
            if (tensor instanceof NumberArray.Floats floats) {
                return floats;
            }
            throw new FormatException(source, tensor == null
                    ? "expected a tensor \"" + name + "\", but there is none"
                    : "expected floating-point numbers in the tensor \"" + name + "\", but it has numbers of type " + tensor.kind());
        }
    }

    /// Where a tensor lies, in bytes from the end of the header.
    private record Entry(String name, ElementType type, Shape shape, long begin, long end) {}

    /// Reads a whole file. F16, BF16 and F64 numbers become single precision.
    ///
    /// @throws FormatException if the content is not a valid safetensors file or has a number type that is not read here
    /// @throws IOException if there is no such file or it cannot be read
    public static Contents read(Path file) throws IOException {
        String source = file.toString();
        long fileLength = InputFile.checkedLength(file);
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES)) {
            int headerLength = headerLength(source, in, fileLength);
            Map<?, ?> header = header(source, in, headerLength);
            Map<String, String> metadata = metadata(source, header.get(METADATA_KEY));
            List<Entry> entries = entries(source, header);
            checkPlaces(source, entries, fileLength - LENGTH_BYTES - headerLength);
            Map<String, NumberArray> tensors = new LinkedHashMap<>();
            for (Entry entry : entries) {
                String what = "the tensor \"" + entry.name + "\"";
                tensors.put(entry.name, entry.type.read(source, what, in, ByteOrder.LITTLE_ENDIAN, entry.shape));
            }
            return new Contents(source, tensors, metadata);
        }
    }

    /// Writes a file atomically (see [AtomicFile]). The same tensors give the same bytes: the wider types come first, so that all numbers
    /// are aligned, and then the names decide.
    ///
    /// @param tensors the tensors by name; written as F32, I32, I64 or U8
    /// @param metadata strings to keep with them, written in the order of their keys
    /// @throws IOException if the file cannot be written
    /// @throws IllegalArgumentException if a tensor has the reserved name `__metadata__`
    public static void write(Path file, Map<String, ? extends NumberArray> tensors, Map<String, String> metadata) throws IOException {
        AtomicFile.write(file, out -> write(out, tensors, metadata));
    }

    /// Writes the content of a safetensors file to a stream; see [#write(Path, Map, Map)].
    public static void write(OutputStream out, Map<String, ? extends NumberArray> tensors, Map<String, String> metadata)
            throws IOException {
        if (tensors.containsKey(METADATA_KEY)) {
            throw new IllegalArgumentException("a tensor cannot have the name " + METADATA_KEY + ": safetensors reserves it");
        }
        List<String> names = new ArrayList<>(tensors.keySet());
        names.sort(Comparator.comparingInt((String name) -> rank(array(tensors, name))).thenComparing(Comparator.naturalOrder()));
        StringBuilder header = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            header.append(Json.quote(METADATA_KEY)).append(":{");
            new TreeMap<>(metadata).forEach((key, value) -> {
                separate(header);
                header.append(Json.quote(key)).append(':').append(Json.quote(value));
            });
            header.append('}');
        }
        long begin = 0;
        for (String name : names) {
            NumberArray tensor = array(tensors, name);
            ElementType type = ElementType.of(tensor);
            long end = begin + (long) tensor.length() * type.bytes();
            separate(header);
            header.append(Json.quote(name)).append(":{\"dtype\":\"").append(type).append("\",\"shape\":")
                    .append(tensor.shape().toString().replace(" ", "")).append(",\"data_offsets\":[").append(begin).append(',').append(end)
                    .append("]}");
            begin = end;
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        int padding = -json.length & (LENGTH_BYTES - 1);
        out.write(ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length + padding).array());
        out.write(json);
        out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
        for (String name : names) {
            ElementType.write(array(tensors, name), out);
        }
    }

    private static NumberArray array(Map<String, ? extends NumberArray> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    /// Where an array's type comes in a file: the order of the format's own writer, wider numbers first.
    private static int rank(NumberArray array) {
        return switch (array) {
            case NumberArray.Longs _ -> 0;
            case NumberArray.Floats _ -> 1;
            case NumberArray.Ints _ -> 2;
            case NumberArray.Bytes _ -> 3;
        };
    }

    private static void separate(StringBuilder json) {
        if (json.charAt(json.length() - 1) != '{') {
            json.append(',');
        }
    }

    private static int headerLength(String source, InputStream in, long fileLength) throws IOException {
        byte[] length = in.readNBytes(LENGTH_BYTES);
        if (length.length < LENGTH_BYTES) {
            throw new FormatException(source, "expected a safetensors file, which starts with 8 bytes of header length, but the file has "
                    + length.length + " bytes");
        }
        long headerLength = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (headerLength < 0 || headerLength > MAX_HEADER_BYTES) {
            throw new FormatException(source, "this is no safetensors file: it would begin with the length of its header, at most "
                    + MAX_HEADER_BYTES + " bytes, but the file announces "
                    + Long.toUnsignedString(headerLength) + "; it is damaged or no safetensors file");
        }
        if (headerLength > fileLength - LENGTH_BYTES) {
            throw new FormatException(source,
                    "expected a header of " + headerLength + " bytes, but the file ends " + (fileLength - LENGTH_BYTES)
                            + " bytes after the header's length; it is truncated or no safetensors file");
        }
        return (int) headerLength;
    }

    private static Map<?, ?> header(String source, InputStream in, int headerLength) throws IOException {
        byte[] bytes = in.readNBytes(headerLength);
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(source, "expected a header in UTF-8, but it has bytes that are not", e);
        }
        if (!(Json.parse(source, text, MAX_HEADER_VALUES) instanceof Map<?, ?> header)) {
            throw new FormatException(source, "expected a JSON object as the header, but it is another JSON value");
        }
        return header;
    }

    private static Map<String, String> metadata(String source, @Nullable Object value) throws FormatException {
        Map<String, String> metadata = new LinkedHashMap<>();
        if (value == null) {
            return metadata;
        }
        if (!(value instanceof Map<?, ?> map)) {
            throw new FormatException(source, "expected an object of strings as " + METADATA_KEY + ", but it is another JSON value");
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (!(entry.getValue() instanceof String text)) {
                throw new FormatException(source,
                        "expected a string for \"" + entry.getKey() + "\" in " + METADATA_KEY + ", but got " + entry.getValue());
            }
            metadata.put((String) entry.getKey(), text);
        }
        return metadata;
    }

    private static List<Entry> entries(String source, Map<?, ?> header) throws FormatException {
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<?, ?> member : header.entrySet()) {
            String name = (String) member.getKey();
            if (!name.equals(METADATA_KEY)) {
                entries.add(entry(source, name, member.getValue()));
            }
        }
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        return entries;
    }

    private static Entry entry(String source, String name, @Nullable Object value) throws FormatException {
        if (!(value instanceof Map<?, ?> map) || map.size() != 3 || !(map.get("dtype") instanceof String typeName)
                || !(map.get("shape") instanceof List<?> sizes) || !(map.get("data_offsets") instanceof List<?> offsets)) {
            throw new FormatException(source,
                    "expected exactly dtype, shape and data_offsets for the tensor \"" + name + "\", but got " + shortened(value));
        }
        ElementType type = elementType(source, name, typeName);
        Shape shape = shape(source, name, sizes);
        if (offsets.size() != 2 || !(offsets.get(0) instanceof Long begin) || !(offsets.get(1) instanceof Long end) || begin < 0
                || end < begin) {
            throw new FormatException(source,
                    "expected two data_offsets [begin, end] with 0 <= begin <= end for the tensor \"" + name + "\", but got "
                            + shortened(offsets));
        }
        long expected = (long) shape.elements() * type.bytes();
        if (end - begin != expected) {
            throw new FormatException(source,
                    "expected " + expected + " bytes for the tensor \"" + name + "\" of type " + type + " and shape " + shape
                            + ", but its data_offsets [" + begin + ", " + end + "] span " + (end - begin));
        }
        return new Entry(name, type, shape, begin, end);
    }

    private static ElementType elementType(String source, String name, String typeName) throws FormatException {
        for (ElementType type : ElementType.values()) {
            if (type.name().equals(typeName)) {
                return type;
            }
        }
        throw new FormatException(source, "the tensor \"" + name + "\" has numbers of type \"" + shortened(typeName)
                + "\"; this program reads F16, BF16, F32, F64, I8, U8, BOOL, I16, U16, I32, U32 and I64");
    }

    private static Shape shape(String source, String name, List<?> sizes) throws FormatException {
        int[] checked = new int[sizes.size()];
        long elements = 1;
        boolean valid = true;
        for (int d = 0; d < checked.length && valid; d++) {
            valid = sizes.get(d) instanceof Long size && size >= 0 && size <= MAX_ELEMENTS && (elements *= size) <= MAX_ELEMENTS;
            checked[d] = valid ? ((Long) sizes.get(d)).intValue() : 0;
        }
        if (!valid) {
            throw new FormatException(source,
                    "expected sizes of at least 0 with a product of at most " + MAX_ELEMENTS + " as the shape of the tensor \""
                            + name + "\", but got " + shortened(sizes));
        }
        return Shape.of(checked);
    }

    /// The entries, sorted by place, must follow each other without hole or overlap and end where the file ends.
    private static void checkPlaces(String source, List<Entry> entries, long dataLength) throws FormatException {
        long position = 0;
        for (Entry entry : entries) {
            if (entry.end > dataLength) {
                throw new FormatException(source,
                        "the tensor \"" + entry.name + "\" ends at byte " + entry.end + " of the data, but the file has only "
                                + dataLength + "; it is truncated or damaged");
            }
            if (entry.begin != position) {
                throw new FormatException(source, "expected the tensor \"" + entry.name + "\" to begin at byte " + position
                        + " of the data, where the one before it ends, but it begins at " + entry.begin + ": tensors must not "
                        + (entry.begin < position ? "overlap" : "leave holes"));
            }
            position = entry.end;
        }
        if (position != dataLength) {
            throw new FormatException(source,
                    "expected the file to end after the last tensor, at byte " + position + " of the data, but it has " + dataLength);
        }
    }

    private static String shortened(@Nullable Object value) {
        String text = String.valueOf(value);
        return text.length() > 100 ? text.substring(0, 100) + "..." : text;
    }
}
