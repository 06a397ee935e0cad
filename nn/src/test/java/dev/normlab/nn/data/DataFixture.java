package dev.normlab.nn.data;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.function.Executable;

/// Small data sets and assertions that the tests of this package share.
final class DataFixture {

    private DataFixture() {}

    /// `n` byte images of a shape; value `v` of image `i` is `(31 i + 7 v) % 256`, the label `i % classes`.
    static Dataset bytes(int n, ImageShape shape, int classes) {
        byte[] images = new byte[n * shape.values()];
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            labels[i] = i % classes;
            for (int v = 0; v < shape.values(); v++) {
                images[i * shape.values() + v] = (byte) (31 * i + 7 * v);
            }
        }
        return Dataset.ofBytes("test", shape, names(classes), images, labels);
    }

    static List<String> names(int classes) {
        List<String> names = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            names.add("class " + c);
        }
        return names;
    }

    static float[] image(Dataset data, int index) {
        float[] image = new float[data.shape().values()];
        data.image(index, image, 0);
        return image;
    }

    /// Asserts a data error whose message has all these parts.
    static void assertDataError(Executable action, String... parts) {
        DataException error = assertThrows(DataException.class, action);
        for (String part : parts) {
            assertTrue(error.getMessage().contains(part), () -> "expected \"" + part + "\" in: " + error.getMessage());
        }
    }
}
