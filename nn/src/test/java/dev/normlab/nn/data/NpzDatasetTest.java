package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static dev.normlab.nn.data.DataFixture.image;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpzDatasetTest {

    @TempDir
    Path folder;

    private Path write(Map<String, NumberArray> arrays) throws IOException {
        Path file = folder.resolve("data.npz");
        Npz.write(file, arrays);
        return file;
    }

    private static NumberArray labels(int... labels) {
        return NumberArray.of(labels, labels.length);
    }

    @Test
    void xAndYServeAsBothSplitsWithANotice() throws IOException {
        float[] values = {0, 0.25f, 0.5f, 1};
        DataSplits data = NpzDataset.load(write(Map.of("x", NumberArray.of(values, 2, 1, 1, 2), "y", labels(0, 3))));
        assertEquals(2, data.train().size());
        assertEquals(new ImageShape(1, 1, 2), data.test().shape());
        assertEquals(4, data.train().classes());
        assertEquals(3, data.test().label(1));
        assertArrayEquals(new float[] {0.5f, 1}, image(data.test(), 1));
        assertTrue(data.notices().getFirst().contains("training and test images are the same"));
    }

    @Test
    void trainAndTestArraysAndAClassCountAreUsed() throws IOException {
        Map<String, NumberArray> arrays = Map.of("x_train", NumberArray.of(new byte[] {-1, 51}, 2, 1, 1, 1), "y_train",
                NumberArray.of(new long[] {0, 1}, 2), "x_test", NumberArray.of(new float[] {0.5f}, 1, 1, 1, 1), "y_test",
                NumberArray.of(new byte[] {2}, 1), "classes", NumberArray.of(new int[] {10}));
        DataSplits data = NpzDataset.load(write(arrays));
        assertEquals(10, data.train().classes());
        assertArrayEquals(new float[] {1}, image(data.train(), 0));
        assertArrayEquals(new float[] {0.2f}, image(data.train(), 1));
        assertEquals(2, data.test().label(0));
        assertTrue(data.notices().isEmpty());
    }

    @Test
    void missingArraysAndFilesAreErrorsThatSayWhatIsThere() throws IOException {
        Path file = write(Map.of("x", NumberArray.of(new float[2], 2, 1, 1, 1), "labels", labels(0, 0)));
        assertDataError(() -> NpzDataset.load(file), "data.npz", "x and y", "x", "labels");
        Path half = write(Map.of("x_train", NumberArray.of(new float[2], 2, 1, 1, 1), "y_train", labels(0, 0)));
        assertDataError(() -> NpzDataset.load(half), "x_test");
        assertDataError(() -> NpzDataset.load(folder.resolve("absent.npz")), "absent.npz");
        Path text = Files.writeString(folder.resolve("text.npz"), "no archive");
        assertDataError(() -> NpzDataset.load(text), "text.npz", "no zip file");
    }

    @Test
    void shapesTypesAndValuesThatDoNotFitAreErrors() throws IOException {
        NumberArray images = NumberArray.of(new float[4], 2, 1, 1, 2);
        assertNpzError(Map.of("x", images, "y", labels(0)), "2 images", "1 labels");
        assertNpzError(Map.of("x", images, "y", labels(0, -1)), "record 1", "label -1");
        assertNpzError(Map.of("x", images, "y", labels(0, Integer.MAX_VALUE)), "record 1", "label 2147483647");
        assertNpzError(Map.of("x", images, "y", NumberArray.of(new float[2], 2)), "integers [n] as y", "float");
        assertNpzError(Map.of("x", images, "y", NumberArray.of(new int[2], 2, 1)), "[2, 1]");
        assertNpzError(Map.of("x", NumberArray.of(new float[4], 2, 2), "y", labels(0, 0)), "[n, c, h, w]", "[2, 2]");
        assertNpzError(Map.of("x", NumberArray.of(new int[4], 2, 1, 1, 2), "y", labels(0, 0)), "unsigned bytes", "int");
        assertNpzError(Map.of("x", NumberArray.of(new float[] {0, 0, 0, 2}, 2, 1, 1, 2), "y", labels(0, 0)), "image 1", "2.0", "[0, 1]");
        assertNpzError(Map.of("x", NumberArray.of(new float[192], 2, 8, 4, 3), "y", labels(0, 0)), "[n, h, w, c]", "transpose");
        assertNpzError(Map.of("x", images, "y", labels(0, 2), "classes", NumberArray.of(new int[] {2})), "the label 2", "0 to 1");
        assertNpzError(Map.of("x", images, "y", labels(0, 1), "classes", NumberArray.of(new int[] {0})), "classes");
        assertNpzError(Map.of("x", NumberArray.of(new float[0], 0, 1, 1, 2), "y", labels()), "[0, 1, 1, 2]");
    }

    private void assertNpzError(Map<String, NumberArray> arrays, String... parts) throws IOException {
        Path file = write(arrays);
        assertDataError(() -> NpzDataset.load(file), parts);
    }
}
