package dev.normlab.experiments.interchange;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A message in the wire format of Protocol Buffers, as a list of fields in the order in which they are added.
///
/// Source: <https://protobuf.dev/programming-guides/encoding>. Only what ONNX and TensorBoard need: varints, floats, doubles, and
/// length-delimited fields. Weights are referred to, not copied, until the message is written.
final class ProtoMessage {

    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int LENGTH = 2;
    private static final int FIXED_32 = 5;
    private static final int CHUNK = 1 << 14;

    private final List<Piece> pieces = new ArrayList<>();
    private long size;

    private sealed interface Piece {

        record Bytes(byte[] bytes) implements Piece {}

        record Nested(ProtoMessage message) implements Piece {}

        record Floats(float[] values, int count) implements Piece {}
    }

    /// An integer, a boolean, or an enum's number; negative ones take ten bytes.
    ProtoMessage integer(int field, long value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        varint(bytes, (long) field << 3 | VARINT);
        varint(bytes, value);
        return add(bytes.toByteArray());
    }

    /// A float.
    ProtoMessage real(int field, float value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        varint(bytes, (long) field << 3 | FIXED_32);
        bytes.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
        return add(bytes.toByteArray());
    }

    /// A double.
    ProtoMessage real(int field, double value) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        varint(bytes, (long) field << 3 | FIXED_64);
        bytes.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array());
        return add(bytes.toByteArray());
    }

    /// A text.
    ProtoMessage text(int field, String value) {
        byte[] encoded = value.getBytes(StandardCharsets.UTF_8);
        header(field, encoded.length);
        return add(encoded);
    }

    /// A message within this one, which must not change any more.
    ProtoMessage message(int field, ProtoMessage value) {
        header(field, value.size);
        pieces.add(new Piece.Nested(value));
        size += value.size;
        return this;
    }

    /// The first `count` floats as bytes, little-endian.
    ProtoMessage rawFloats(int field, float[] values, int count) {
        header(field, 4L * count);
        pieces.add(new Piece.Floats(values, count));
        size += 4L * count;
        return this;
    }

    /// Longs as bytes, little-endian.
    ProtoMessage rawLongs(int field, long[] values) {
        header(field, 8L * values.length);
        ByteBuffer buffer = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            buffer.putLong(value);
        }
        return add(buffer.array());
    }

    private void header(int field, long length) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        varint(bytes, (long) field << 3 | LENGTH);
        varint(bytes, length);
        add(bytes.toByteArray());
    }

    private ProtoMessage add(byte[] bytes) {
        pieces.add(new Piece.Bytes(bytes));
        size += bytes.length;
        return this;
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    /// Bytes that [#writeTo] writes.
    long size() {
        return size;
    }

    /// Writes the message.
    void writeTo(OutputStream out) throws IOException {
        for (Piece piece : pieces) {
            switch (piece) {
                case Piece.Bytes bytes -> out.write(bytes.bytes);
                case Piece.Nested nested -> nested.message.writeTo(out);
                case Piece.Floats floats -> write(floats, out);
            }
        }
    }

    private static void write(Piece.Floats floats, OutputStream out) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(4 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < floats.count; from += CHUNK) {
            int length = Math.min(CHUNK, floats.count - from);
            buffer.clear();
            buffer.asFloatBuffer().put(floats.values, from, length);
            out.write(buffer.array(), 0, 4 * length);
        }
    }
}
