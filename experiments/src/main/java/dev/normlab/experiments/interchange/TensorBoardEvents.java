package dev.normlab.experiments.interchange;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/// Scalars as an event file of TensorBoard.
///
/// Source: TensorFlow's `event.proto`, `summary.proto` and the framing of its records (length, masked CRC-32C, data, masked CRC-32C), as in
/// <https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto>.
public final class TensorBoardEvents {

    private static final int MASK = 0xa282ead8;

    private TensorBoardEvents() {}

    /// The scalars of one moment.
    ///
    /// @param seconds since 1970
    /// @param step    where they stand on the axis
    /// @param scalars by name; a slash makes groups; what is NaN is left out
    public record Point(double seconds, long step, Map<String, Double> scalars) {}

    /// Brings a file up to date with these points: what is there already stays, so that a running TensorBoard sees the rest arrive; a file
    /// that says something else is written anew.
    public static void update(Path file, List<Point> points) throws IOException {
        byte[] wanted = encode(points);
        byte[] present = Files.isRegularFile(file) ? Files.readAllBytes(file) : new byte[0];
        boolean begins = present.length > 0 && present.length <= wanted.length
                && Arrays.equals(present, 0, present.length, wanted, 0, present.length);
        if (begins) {
            Files.write(file, Arrays.copyOfRange(wanted, present.length, wanted.length), StandardOpenOption.APPEND);
            return;
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.write(fresh, wanted);
        Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private static byte[] encode(List<Point> points) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        double start = points.isEmpty() ? 0 : points.getFirst().seconds;
        record(out, new ProtoMessage().real(1, start).text(3, "brain.Event:2"));
        for (Point point : points) {
            ProtoMessage summary = new ProtoMessage();
            point.scalars.forEach((name, value) -> {
                if (!Double.isNaN(value)) {
                    summary.message(1, new ProtoMessage().text(1, name).real(2, (float) (double) value));
                }
            });
            record(out, new ProtoMessage().real(1, point.seconds).integer(2, point.step).message(5, summary));
        }
        return out.toByteArray();
    }

    private static void record(ByteArrayOutputStream out, ProtoMessage event) throws IOException {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        event.writeTo(data);
        byte[] length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(data.size()).array();
        out.writeBytes(length);
        out.writeBytes(checksum(length));
        out.writeBytes(data.toByteArray());
        out.writeBytes(checksum(data.toByteArray()));
    }

    private static byte[] checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        int sum = (int) crc.getValue();
        int masked = (sum >>> 15 | sum << 17) + MASK;
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(masked).array();
    }
}
