package dev.normlab.nn.data;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Labelled images in memory, all of one shape, as bytes (0 to 255, which become value / 255) or as numbers in [0, 1].
/// Never changes once made, so any number of threads may read it.
public final class Dataset {

    private static final float[] BYTE_TO_UNIT = new float[256];

    static {
        for (int value = 0; value < 256; value++) {
            BYTE_TO_UNIT[value] = value / 255f;
        }
    }

    private final String name;
    private final ImageShape shape;
    private final List<String> classNames;
    private final Pixels pixels;
    private final int[] labels;
    private final int[] records;
    private @Nullable String contentHash;

    /// The images of all records, `[n, c, h, w]`.
    private sealed interface Pixels {

        /// Values of 0 to 255.
        record Bytes(byte[] values) implements Pixels {}

        /// Values in [0, 1].
        record Units(float[] values) implements Pixels {}
    }

    private Dataset(String name, ImageShape shape, List<String> classNames, Pixels pixels, int[] labels, int[] records) {
        this.name = name;
        this.shape = shape;
        this.classNames = classNames;
        this.pixels = pixels;
        this.labels = labels;
        this.records = records;
    }

    /// A data set of byte images. The arrays are not copied.
    ///
    /// @param name what the user calls it
    /// @param shape the sizes of one image
    /// @param classNames one name for each class
    /// @param images `[n, c, h, w]`
    /// @param labels the class of every image, from 0
    /// @throws DataException if the lengths do not fit each other or a label is out of range
    public static Dataset ofBytes(String name, ImageShape shape, List<String> classNames, byte[] images, int[] labels) {
        return checked(name, shape, classNames, new Pixels.Bytes(images), images.length, labels);
    }

    /// A data set of images with values in [0, 1]. The arrays are not copied.
    ///
    /// @param name what the user calls it
    /// @param shape the sizes of one image
    /// @param classNames one name for each class
    /// @param images `[n, c, h, w]`
    /// @param labels the class of every image, from 0
    /// @throws DataException if the lengths do not fit each other, a label is out of range, or a value is not in [0, 1]
    public static Dataset ofUnits(String name, ImageShape shape, List<String> classNames, float[] images, int[] labels) {
        for (int i = 0; i < images.length; i++) {
            if (!(images[i] >= 0 && images[i] <= 1)) {
                throw new DataException(
                        name + ": image " + i / shape.values() + " has the value " + images[i] + " where numbers in [0, 1] are expected.");
            }
        }
        return checked(name, shape, classNames, new Pixels.Units(images), images.length, labels);
    }

    private static Dataset checked(String name, ImageShape shape, List<String> classNames, Pixels pixels, int length, int[] labels) {
        if (length != (long) labels.length * shape.values()) {
            throw new DataException(
                    name + ": expected " + labels.length + " images of " + shape + ", one for each label, but there are " + length
                            + " values.");
        }
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < 0 || labels[i] >= classNames.size()) {
                throw new DataException(name + ": image " + i + " has the label " + labels[i] + ", but the " + classNames.size()
                        + " classes have the labels 0 to " + (classNames.size() - 1) + ".");
            }
        }
        int[] records = new int[labels.length];
        Arrays.setAll(records, i -> i);
        return new Dataset(name, shape, List.copyOf(classNames), pixels, labels, records);
    }

    /// What the user calls it.
    public String name() {
        return name;
    }

    /// The sizes of one image.
    public ImageShape shape() {
        return shape;
    }

    /// The number of images.
    public int size() {
        return records.length;
    }

    /// The number of classes.
    public int classes() {
        return classNames.size();
    }

    /// One name for each class.
    public List<String> classNames() {
        return classNames;
    }

    /// The class of an image, from 0.
    public int label(int index) {
        return labels[records[index]];
    }

    /// The number of an image in the data set from which this one was chosen by [#first] or [#subset]: it stays the same whatever the
    /// order.
    public int record(int index) {
        return records[index];
    }

    /// Copies an image, with values in [0, 1], channels first.
    ///
    /// @param index which, from 0
    /// @param target receives `shape().values()` numbers
    /// @param offset where in `target` they start
    public void image(int index, float[] target, int offset) {
        int count = shape.values();
        int start = records[index] * count;
        switch (pixels) {
            case Pixels.Bytes bytes -> {
                byte[] values = bytes.values();
                for (int i = 0; i < count; i++) {
                    target[offset + i] = BYTE_TO_UNIT[values[start + i] & 0xFF];
                }
            }
            case Pixels.Units units -> System.arraycopy(units.values(), start, target, offset, count);
        }
    }

    /// The first `n` images, or all if there are not more. The images are shared, not copied.
    ///
    /// @throws DataException if n is not positive
    public Dataset first(int n) {
        if (n < 1) {
            throw new DataException("The number of images must be at least 1, but " + n + " were asked for.");
        }
        return n >= size() ? this : new Dataset(name, shape, classNames, pixels, labels, Arrays.copyOf(records, n));
    }

    /// Some of the images in a given order. The images are shared, not copied.
    ///
    /// @param indices which, from 0
    public Dataset subset(int[] indices) {
        int[] chosen = new int[indices.length];
        for (int i = 0; i < indices.length; i++) {
            chosen[i] = records[indices[i]];
        }
        return new Dataset(name, shape, classNames, pixels, labels, chosen);
    }

    /// SHA-256 of the shape, the class names, the labels and the images as stored, in hexadecimal: equal for equal content, whatever its
    /// source.
    public synchronized String contentHash() {
        if (contentHash == null) {
            contentHash = computeHash();
        }
        return contentHash;
    }

    private String computeHash() {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        digest.update((shape + " " + classNames + " " + size() + " ").getBytes(StandardCharsets.UTF_8));
        int count = shape.values();
        ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int record : records) {
            buffer.clear().putInt(labels[record]);
            switch (pixels) {
                case Pixels.Bytes bytes -> buffer.put(bytes.values(), record * count, count);
                case Pixels.Units units -> {
                    buffer.asFloatBuffer().put(units.values(), record * count, count);
                    buffer.position(4 + 4 * count);
                }
            }
            digest.update(buffer.flip());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /// For example `cifar10 (1000 images of 3x32x32, 10 classes)`.
    @Override
    public String toString() {
        return name + " (" + size() + " images of " + shape + ", " + classes() + " classes)";
    }
}
