package dev.normlab.engine.io;

import dev.normlab.engine.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The number formats of array files, and how a row-major run of such numbers becomes a [NumberArray] and back.
///
/// Every floating-point format becomes single precision (exact for F16 and BF16, rounded to nearest for F64); integers keep their value in
/// the smallest of int and long that holds their format; bytes and truth values become unsigned bytes.
enum ElementType {
    F16(2), BF16(2), F32(4), F64(8), I8(1), U8(1), BOOL(1), I16(2), U16(2), I32(4), U32(4), I64(8);

    private static final int CHUNK_BYTES = 1 << 18;

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /// Bytes of one number in the file.
    int bytes() {
        return bytes;
    }

    /// The format in which an array is written: F32, I32, I64 or U8.
    static ElementType of(NumberArray array) {
        return switch (array) {
            case NumberArray.Floats _ -> F32;
            case NumberArray.Ints _ -> I32;
            case NumberArray.Longs _ -> I64;
            case NumberArray.Bytes _ -> U8;
        };
    }

    /// Reads as many numbers as the shape has elements.
    ///
    /// @param source the file, for messages
    /// @param what the array, for messages
    /// @throws FormatException if the stream ends before, or the array does not fit the memory of this Java machine
    NumberArray read(String source, String what, InputStream in, ByteOrder order, Shape shape) throws IOException {
        int count = shape.elements();
        long memory = Runtime.getRuntime().maxMemory();
        if ((long) count * Math.max(bytes, 4) > memory) {
            throw new FormatException(source, what + " has the shape " + shape + ", which needs more than the " + (memory >> 20)
                    + " MB that Java may use here");
        }
        return switch (this) {
            case F16, BF16, F32, F64 -> {
                float[] values = new float[count];
                forEachChunk(source, what, in, order, count, (chunk, start, n) -> floats(chunk, values, start, n));
                yield new NumberArray.Floats(shape, values);
            }
            case I8, I16, U16, I32 -> {
                int[] values = new int[count];
                forEachChunk(source, what, in, order, count, (chunk, start, n) -> ints(chunk, values, start, n));
                yield new NumberArray.Ints(shape, values);
            }
            case U32, I64 -> {
                long[] values = new long[count];
                forEachChunk(source, what, in, order, count, (chunk, start, n) -> longs(chunk, values, start, n));
                yield new NumberArray.Longs(shape, values);
            }
            case U8, BOOL -> {
                byte[] values = new byte[count];
                forEachChunk(source, what, in, order, count, (chunk, start, n) -> chunk.get(values, start, n));
                yield new NumberArray.Bytes(shape, values);
            }
        };
    }

    /// Writes all numbers of an array, little-endian, in the format that [#of] gives it.
    static void write(NumberArray array, OutputStream out) throws IOException {
        ElementType type = of(array);
        int count = array.length();
        int step = CHUNK_BYTES / type.bytes;
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int start = 0; start < count; start += step) {
            int n = Math.min(step, count - start);
            chunk.clear();
            switch (array) {
                case NumberArray.Floats floats -> chunk.asFloatBuffer().put(floats.values(), start, n);
                case NumberArray.Ints ints -> chunk.asIntBuffer().put(ints.values(), start, n);
                case NumberArray.Longs longs -> chunk.asLongBuffer().put(longs.values(), start, n);
                case NumberArray.Bytes values -> chunk.put(values.values(), start, n);
            }
            out.write(chunk.array(), 0, n * type.bytes);
        }
    }

    @FunctionalInterface
    private interface ChunkReader {
        void read(ByteBuffer chunk, int start, int count);
    }

    private void forEachChunk(String source, String what, InputStream in, ByteOrder order, int count, ChunkReader reader)
            throws IOException {
        int step = CHUNK_BYTES / bytes;
        byte[] chunk = new byte[Math.min(count, step) * bytes];
        for (int start = 0; start < count; start += step) {
            int n = Math.min(step, count - start);
            int got = in.readNBytes(chunk, 0, n * bytes);
            if (got < n * bytes) {
                throw new FormatException(source, "expected " + (long) count * bytes + " bytes of " + what + ", but the data ends after "
                        + ((long) start * bytes + got));
            }
            reader.read(ByteBuffer.wrap(chunk, 0, n * bytes).order(order), start, n);
        }
    }

    private void floats(ByteBuffer chunk, float[] values, int start, int count) {
        if (this == F32) {
            chunk.asFloatBuffer().get(values, start, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            values[start + i] = switch (this) {
                case F16 -> Float.float16ToFloat(chunk.getShort(2 * i));
                case BF16 -> Float.intBitsToFloat(chunk.getShort(2 * i) << 16);
                default -> (float) chunk.getDouble(8 * i);
            };
        }
    }

    private void ints(ByteBuffer chunk, int[] values, int start, int count) {
        for (int i = 0; i < count; i++) {
            values[start + i] = switch (this) {
                case I8 -> chunk.get(i);
                case I16 -> chunk.getShort(2 * i);
                case U16 -> chunk.getShort(2 * i) & 0xFFFF;
                default -> chunk.getInt(4 * i);
            };
        }
    }

    private void longs(ByteBuffer chunk, long[] values, int start, int count) {
        for (int i = 0; i < count; i++) {
            values[start + i] = this == I64 ? chunk.getLong(8 * i) : chunk.getInt(4 * i) & 0xFFFFFFFFL;
        }
    }
}
