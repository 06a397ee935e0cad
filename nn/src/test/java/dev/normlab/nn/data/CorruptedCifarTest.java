package dev.normlab.nn.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CorruptedCifarTest {

    private static final int EACH = 2;

    @TempDir
    private Path folder;

    // Byte [image, row, column, channel] is 40 * channel + 10 * row + column + image, modulo 256
    private void write(Path target, String corruption, int images) throws IOException {
        Files.createDirectories(target);
        byte[] values = new byte[images * 32 * 32 * 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = (byte) (40 * (i % 3) + 10 * (i / 96 % 32) + i / 3 % 32 + i / 3072);
        }
        Npy.write(target.resolve(corruption + ".npy"), new NumberArray.Bytes(Shape.of(images, 32, 32, 3), values));
        byte[] labels = new byte[images];
        for (int i = 0; i < images; i++) {
            labels[i] = (byte) (i % 10);
        }
        Npy.write(target.resolve("labels.npy"), new NumberArray.Bytes(Shape.of(images), labels));
    }

    @Test
    void imagesAreReadBySeverityAndTurnedToChannelsFirst() throws IOException {
        write(folder, "fog", 5 * EACH);
        List<Dataset> all = CorruptedCifar.severities(folder, "fog");
        assertEquals(5, all.size());
        for (int severity = 0; severity < 5; severity++) {
            Dataset data = all.get(severity);
            assertEquals(EACH, data.size());
            for (int i = 0; i < EACH; i++) {
                int image = severity * EACH + i;
                assertEquals(image % 10, data.label(i));
                float[] pixels = new float[3 * 32 * 32];
                data.image(i, pixels, 0);
                for (int at = 0; at < pixels.length; at += 97) {
                    int expected = 40 * (at / 1024) + 10 * (at / 32 % 32) + at % 32 + image & 0xFF;
                    assertEquals(expected / 255f, pixels[at], "image " + image + ", element " + at);
                }
            }
        }
    }

    @Test
    void aSpecificationChoosesOneOfThem() throws IOException {
        write(folder.resolve("CIFAR-10-C"), "fog", 5 * EACH);
        DataSplits splits = DataSpec.parse("cifar10c:" + folder + ",fog=3").load();
        assertEquals("cifar10c fog 3", splits.test().name());
        assertEquals(4, splits.test().label(0));
        assertTrue(splits.notices().getFirst().contains("test images only"));
    }

    @ParameterizedTest
    @ValueSource(strings = {",fog=6", ",fog=0", ",mist=3", ",fog=x"})
    void aCorruptionThatIsNotThereIsRefused(String end) {
        String message = assertThrows(DataException.class, () -> DataSpec.parse("cifar10c:somewhere" + end)).getMessage();
        assertTrue(message.contains(end) && message.contains("gaussian_noise"), message);
    }

    @Test
    void allAtOnceMissingFilesAndOtherShapesAreRefused() throws IOException {
        assertTrue(
                assertThrows(DataException.class, () -> DataSpec.parse("cifar10c:" + folder).load()).getMessage().contains("95 data sets"));
        assertTrue(assertThrows(DataException.class, () -> CorruptedCifar.severities(folder, "fog")).getMessage().contains("fog.npy"));
        write(folder, "fog", 7);
        assertTrue(assertThrows(DataException.class, () -> CorruptedCifar.severities(folder, "fog")).getMessage().contains("7 images"));
    }
}
