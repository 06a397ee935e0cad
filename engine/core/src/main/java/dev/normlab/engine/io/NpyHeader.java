package dev.normlab.engine.io;

import dev.normlab.engine.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The header of an npy file: magic number, version, length, and a Python dictionary with exactly the keys `descr`, `fortran_order` and
/// `shape`.
///
/// @param type the number format
/// @param order the byte order of the numbers
/// @param fortran true if the first dimension varies fastest
/// @param shape the sizes
/// @param headerBytes bytes from the start of the file to the first number
record NpyHeader(ElementType type, ByteOrder order, boolean fortran, Shape shape, int headerBytes) {

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_HEADER_BYTES = 1 << 16;
    private static final int MAX_DIMENSIONS = 64;
    private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 64;
    private static final int ALIGNMENT = 64;

    /// Bytes of the numbers that follow the header.
    long dataBytes() {
        return (long) shape.elements() * type.bytes();
    }

    /// Reads a header and leaves the stream at the first number.
    ///
    /// @throws FormatException if it is no npy header, or announces numbers that are not read here
    static NpyHeader read(String source, InputStream in) throws IOException {
        byte[] start = in.readNBytes(MAGIC.length + 2);
        if (start.length < MAGIC.length + 2 || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new FormatException(source, "expected an npy file, which starts with the bytes 93 4E 55 4D 50 59, but got "
                    + (start.length == 0 ? "nothing" : HexFormat.ofDelimiter(" ").withUpperCase().formatHex(start)));
        }
        int version = start[MAGIC.length];
        if (version < 1 || version > 3) {
            throw new FormatException(source, "expected an npy file of version 1, 2 or 3, but got version " + (version & 0xFF));
        }
        int lengthBytes = version == 1 ? 2 : 4;
        byte[] length = in.readNBytes(lengthBytes);
        if (length.length < lengthBytes) {
            throw new FormatException(source, "the file ends inside the npy header");
        }
        ByteBuffer buffer = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN);
        long headerLength = version == 1 ? buffer.getShort() & 0xFFFF : buffer.getInt() & 0xFFFFFFFFL;
        if (headerLength > MAX_HEADER_BYTES) {
            throw new FormatException(source,
                    "expected an npy header of at most " + MAX_HEADER_BYTES + " bytes, but the file announces " + headerLength);
        }
        byte[] header = in.readNBytes((int) headerLength);
        if (header.length < headerLength) {
            throw new FormatException(source, "the file ends inside the npy header");
        }
        String text = new String(header, version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
        return new Parser(source, text).header(start.length + lengthBytes + header.length);
    }

    /// The bytes of a version 1 header for an array in row-major order, padded so that the numbers start at a multiple of 64.
    static byte[] bytes(NumberArray array) {
        String descr = switch (array) {
            case NumberArray.Floats _ -> "<f4";
            case NumberArray.Ints _ -> "<i4";
            case NumberArray.Longs _ -> "<i8";
            case NumberArray.Bytes _ -> "|u1";
        };
        StringBuilder sizes = new StringBuilder("(");
        for (int size : array.shape().toArray()) {
            sizes.append(sizes.length() > 1 ? ", " : "").append(size);
        }
        sizes.append(array.shape().rank() == 1 ? ",)" : ")");
        String dictionary = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + sizes + ", }";
        int prefix = MAGIC.length + 4;
        int unpadded = prefix + dictionary.length() + 1;
        int padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT;
        byte[] text = (dictionary + " ".repeat(padding) + "\n").getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer header = ByteBuffer.allocate(prefix + text.length).order(ByteOrder.LITTLE_ENDIAN);
        return header.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) text.length).put(text).array();
    }

    /// Reads the dictionary: string keys in either kind of quotation marks; a string, True or False, and a tuple of integers as values.
    private static final class Parser {

        private final String source;
        private final String text;
        private int position;

        Parser(String source, String text) {
            this.source = source;
            this.text = text;
        }

        NpyHeader header(int headerBytes) throws FormatException {
            @Nullable String descr = null;
            @Nullable Boolean fortran = null;
            int @Nullable [] sizes = null;
            expect('{');
            while (!accept('}')) {
                String key = string();
                expect(':');
                if (key.equals("descr") && descr == null) {
                    descr = descr();
                } else if (key.equals("fortran_order") && fortran == null) {
                    fortran = truth();
                } else if (key.equals("shape") && sizes == null) {
                    sizes = sizes();
                } else {
                    throw problem("expected each of the keys descr, fortran_order and shape once, but got '" + key + "'");
                }
                if (!accept(',')) {
                    expect('}');
                    break;
                }
            }
            if (descr == null || fortran == null || sizes == null || !text.substring(position).isBlank()) {
                throw problem("expected exactly the keys descr, fortran_order and shape");
            }
            return new NpyHeader(type(descr), descr.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN, fortran,
                    shape(sizes), headerBytes);
        }

        private String descr() throws FormatException {
            skipSpace();
            if (position < text.length() && text.charAt(position) == '[') {
                throw problem("arrays of records are not read here, only plain numbers");
            }
            return string();
        }

        private ElementType type(String descr) throws FormatException {
            boolean ordered = descr.length() == 3 && "<>=|".indexOf(descr.charAt(0)) >= 0;
            @Nullable ElementType type = switch (ordered ? descr.substring(1) : "") {
                case "f2" -> ElementType.F16;
                case "f4" -> ElementType.F32;
                case "f8" -> ElementType.F64;
                case "b1" -> ElementType.BOOL;
                case "i1" -> ElementType.I8;
                case "u1" -> ElementType.U8;
                case "i2" -> ElementType.I16;
                case "u2" -> ElementType.U16;
                case "i4" -> ElementType.I32;
                case "u4" -> ElementType.U32;
                case "i8" -> ElementType.I64;
                default -> null;
            };
            if (type == null || descr.charAt(0) == '|' && type.bytes() > 1) {
                throw problem(
                        "the numbers have the type '" + descr + "'; this program reads f2, f4, f8, b1, i1, u1, i2, u2, i4, u4 and i8");
            }
            return type;
        }

        private Shape shape(int[] sizes) throws FormatException {
            long elements = 1;
            for (int size : sizes) {
                elements *= size;
                if (elements > MAX_ELEMENTS) {
                    throw problem("expected at most " + MAX_ELEMENTS + " numbers, but the shape is " + Arrays.toString(sizes));
                }
            }
            return Shape.of(sizes);
        }

        private int[] sizes() throws FormatException {
            List<Integer> sizes = new ArrayList<>();
            expect('(');
            while (!accept(')')) {
                sizes.add(size());
                if (sizes.size() > MAX_DIMENSIONS) {
                    throw problem("expected at most " + MAX_DIMENSIONS + " dimensions");
                }
                if (!accept(',')) {
                    expect(')');
                    break;
                }
            }
            return sizes.stream().mapToInt(Integer::intValue).toArray();
        }

        private int size() throws FormatException {
            skipSpace();
            int start = position;
            while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
                position++;
            }
            String digits = text.substring(start, position);
            // Python 2 wrote long integers with an L.
            if (position < text.length() && text.charAt(position) == 'L') {
                position++;
            }
            if (digits.isEmpty() || digits.length() > 10 || Long.parseLong(digits) > MAX_ELEMENTS) {
                throw problem("expected sizes from 0 to " + MAX_ELEMENTS);
            }
            return Integer.parseInt(digits);
        }

        private boolean truth() throws FormatException {
            skipSpace();
            for (boolean value : new boolean[] {true, false}) {
                String word = value ? "True" : "False";
                if (text.startsWith(word, position)) {
                    position += word.length();
                    return value;
                }
            }
            throw problem("expected True or False");
        }

        private String string() throws FormatException {
            skipSpace();
            char quote = position < text.length() ? text.charAt(position) : ' ';
            int end = quote == '\'' || quote == '"' ? text.indexOf(quote, position + 1) : -1;
            if (end < 0) {
                throw problem("expected a string in quotation marks");
            }
            String string = text.substring(position + 1, end);
            position = end + 1;
            return string;
        }

        private boolean accept(char c) {
            skipSpace();
            if (position < text.length() && text.charAt(position) == c) {
                position++;
                return true;
            }
            return false;
        }

        private void expect(char c) throws FormatException {
            if (!accept(c)) {
                throw problem("expected '" + c + "'");
            }
        }

        private void skipSpace() {
            while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
                position++;
            }
        }

        private FormatException problem(String what) {
            String rest = text.substring(position, Math.min(text.length(), position + 40));
            return new FormatException(source, "bad npy header at character " + (position + 1) + " (\"" + rest.strip() + "\"): " + what);
        }
    }
}
