package dev.normlab.engine.io;

import dev.normlab.engine.tensor.Shape;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// NumPy's format for one array: a short header and the numbers. Reads versions 1 to 3, either byte order, C and Fortran order; writes
/// version 1, little-endian, C order. Source: the format's description,
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
public final class Npy {

    private static final int BUFFER_BYTES = 1 << 16;

    private Npy() {}

    /// Reads a file. Floating-point numbers become single precision; see [NumberArray] for the rest. The result is row-major, whatever the
    /// file is.
    ///
    /// @throws FormatException if the content is not a valid npy file, has a number type that is not read here, or is longer than announced
    /// @throws IOException if there is no such file or it cannot be read
    public static NumberArray read(Path file) throws IOException {
        long length = InputFile.checkedLength(file);
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES)) {
            return read(file.toString(), in, length);
        }
    }

    /// Reads an array that fills a stream of known length.
    static NumberArray read(String source, InputStream in, long length) throws IOException {
        NpyHeader header = NpyHeader.read(source, in);
        long dataBytes = length - header.headerBytes();
        if (dataBytes != header.dataBytes()) {
            throw new FormatException(source,
                    "expected " + header.dataBytes() + " bytes of numbers for the type " + header.type() + " and the shape "
                            + header.shape() + ", but got " + dataBytes);
        }
        NumberArray array = header.type().read(source, "the array", in, header.order(), header.shape());
        return header.fortran() && header.shape().rank() > 1 ? rowMajor(array) : array;
    }

    /// Writes a file atomically (see [AtomicFile]); f4, i4, i8 or u1 after the array's type.
    ///
    /// @throws IOException if the file cannot be written
    public static void write(Path file, NumberArray array) throws IOException {
        AtomicFile.write(file, out -> write(out, array));
    }

    static void write(OutputStream out, NumberArray array) throws IOException {
        out.write(NpyHeader.bytes(array));
        ElementType.write(array, out);
    }

    private static NumberArray rowMajor(NumberArray array) {
        Shape shape = array.shape();
        int[] from = fortranPositions(shape);
        return switch (array) {
            case NumberArray.Floats floats -> {
                float[] values = new float[from.length];
                for (int i = 0; i < from.length; i++) {
                    values[i] = floats.values()[from[i]];
                }
                yield new NumberArray.Floats(shape, values);
            }
            case NumberArray.Ints ints -> {
                int[] values = new int[from.length];
                for (int i = 0; i < from.length; i++) {
                    values[i] = ints.values()[from[i]];
                }
                yield new NumberArray.Ints(shape, values);
            }
            case NumberArray.Longs longs -> {
                long[] values = new long[from.length];
                for (int i = 0; i < from.length; i++) {
                    values[i] = longs.values()[from[i]];
                }
                yield new NumberArray.Longs(shape, values);
            }
            case NumberArray.Bytes bytes -> {
                byte[] values = new byte[from.length];
                for (int i = 0; i < from.length; i++) {
                    values[i] = bytes.values()[from[i]];
                }
                yield new NumberArray.Bytes(shape, values);
            }
        };
    }

    /// For every element in row-major order, where it lies if the first dimension varies fastest.
    private static int[] fortranPositions(Shape shape) {
        int rank = shape.rank();
        int[] strides = new int[rank];
        int stride = 1;
        for (int d = 0; d < rank; d++) {
            strides[d] = stride;
            stride *= shape.size(d);
        }
        int[] positions = new int[shape.elements()];
        int[] index = new int[rank];
        int position = 0;
        for (int i = 0; i < positions.length; i++) {
            positions[i] = position;
            for (int d = rank - 1; d >= 0; d--) {
                position += strides[d];
                if (++index[d] < shape.size(d)) {
                    break;
                }
                position -= strides[d] * shape.size(d);
                index[d] = 0;
            }
        }
        return positions;
    }
}
