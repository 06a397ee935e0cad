package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static dev.normlab.nn.data.DataFixture.image;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.RandomStream;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {

    private static final ImageShape SHAPE = new ImageShape(3, 4, 6);

    @TempDir
    Path folder;

    private Path write(String path, int colour) throws IOException {
        BufferedImage image = new BufferedImage(12, 8, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < 8; y++) {
            for (int x = 0; x < 12; x++) {
                image.setRGB(x, y, colour);
            }
        }
        return write(path, image);
    }

    private Path write(String path, BufferedImage image) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        String format = path.substring(path.lastIndexOf('.') + 1);
        assertTrue(ImageIO.write(image, format, file.toFile()));
        return file;
    }

    private static float[] rgb(Dataset data, int index) {
        float[] image = image(data, index);
        int plane = data.shape().height() * data.shape().width();
        return new float[] {image[0], image[plane], image[2 * plane]};
    }

    @Test
    void trainAndTestFoldersAreReadInTheOrderOfTheirNames() throws IOException {
        write("train/dog/b.png", 0x0000FF);
        write("train/dog/a.png", 0x00FF00);
        write("train/cat/z.bmp", 0xFF0000);
        write("test/dog/1.png", 0x102030);
        write("test/cat/1.gif", 0xFFFFFF);
        DataSplits data = ImageFolder.load(folder, SHAPE);
        assertEquals(List.of("cat", "dog"), data.train().classNames());
        assertEquals(SHAPE, data.train().shape());
        assertEquals(1, data.notices().size());
        assertTrue(data.notices().getFirst().startsWith("5 of 5 images") && data.notices().getFirst().contains("scaled to 3x4x6"));
        assertEquals(List.of(), ImageFolder.load(folder, new ImageShape(3, 8, 12)).notices(), "nothing is scaled, nothing is said");
        assertEquals(3, data.train().size());
        assertArrayEquals(new float[] {1, 0, 0}, rgb(data.train(), 0));
        assertArrayEquals(new float[] {0, 1, 0}, rgb(data.train(), 1));
        assertArrayEquals(new float[] {0, 0, 1}, rgb(data.train(), 2));
        assertEquals(0, data.train().label(0));
        assertEquals(1, data.train().label(2));
        assertArrayEquals(new float[] {1, 1, 1}, rgb(data.test(), 0));
        assertArrayEquals(new float[] {0x10 / 255f, 0x20 / 255f, 0x30 / 255f}, rgb(data.test(), 1));
    }

    @Test
    void theFirstImagesAreOfAllClasses() throws IOException {
        for (int i = 0; i < 12; i++) {
            write("a/" + (char) ('a' + i) + ".png", i);
            write("b/" + (char) ('a' + i) + ".png", 100 + i);
        }
        write("c/a.png", 200);
        write("c/b.png", 201);
        DataSplits data = ImageFolder.load(folder, SHAPE);
        assertEquals(List.of(0, 1, 2, 0, 1, 0), IntStream.range(0, 6).mapToObj(data.train()::label).toList());
        assertEquals(List.of(0, 1, 2, 0, 1), IntStream.range(0, data.test().size()).mapToObj(data.test()::label).toList());
        assertEquals(201 / 255f, rgb(data.test(), 2)[2]);
        assertEquals(109 / 255f, rgb(data.test(), 4)[2]);
        assertEquals(3, data.limit(3).train().classes());
    }

    @Test
    void withoutSplitsEveryFifthImageOfAClassIsATestImage() throws IOException {
        for (int i = 0; i < 11; i++) {
            write("many/" + (char) ('a' + i) + ".png", i);
        }
        write("few/a.png", 100);
        write("few/b.png", 101);
        write("one/a.png", 200);
        DataSplits data = ImageFolder.load(folder, SHAPE);
        assertEquals(List.of("few", "many", "one"), data.train().classNames());
        assertEquals(1 + 9 + 1, data.train().size());
        assertEquals(3, data.test().size());
        assertEquals(101 / 255f, rgb(data.test(), 0)[2]);
        assertEquals(4 / 255f, rgb(data.test(), 1)[2]);
        assertEquals(9 / 255f, rgb(data.test(), 2)[2]);
        assertEquals(2, data.notices().size());
        assertTrue(data.notices().getFirst().contains("every fifth image")
                && data.notices().getFirst().contains("11 for training, 3 for testing"));
    }

    @Test
    void greyImagesKeepTheirLevelsInThreeChannels() throws IOException {
        BufferedImage eight = new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_GRAY);
        BufferedImage sixteen = new BufferedImage(2, 2, BufferedImage.TYPE_USHORT_GRAY);
        for (int p = 0; p < 4; p++) {
            eight.getRaster().setSample(p % 2, p / 2, 0, 100);
            sixteen.getRaster().setSample(p % 2, p / 2, 0, 100 * 257);
        }
        byte[] levels = {0, (byte) 100};
        BufferedImage palette = new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_INDEXED, new IndexColorModel(8, 2, levels, levels, levels));
        for (int p = 0; p < 4; p++) {
            palette.getRaster().setSample(p % 2, p / 2, 0, 1);
        }
        write("a/1.png", eight);
        write("a/2.png", sixteen);
        write("a/3.png", palette);
        write("a/4.png", 0);
        write("a/5.png", 0);
        DataSplits data = ImageFolder.load(folder, SHAPE);
        for (int i = 0; i < 3; i++) {
            float[] rgb = rgb(data.train(), i);
            for (float value : rgb) {
                assertEquals(100 / 255f, value);
            }
        }
    }

    @Test
    void aJpegIsReadCloseToItsColours() throws IOException {
        write("a/1.jpg", 0x2080C0);
        write("a/2.jpeg", 0x2080C0);
        float[] rgb = rgb(ImageFolder.load(folder, SHAPE).train(), 0);
        assertArrayEquals(new float[] {0x20 / 255f, 0x80 / 255f, 0xC0 / 255f}, rgb, 0.02f);
    }

    @Test
    void filesThatAreNoImagesByNameAreSkippedWithANotice() throws IOException {
        write("train/a/1.png", 0);
        write("test/a/1.png", 0);
        Files.writeString(folder.resolve("train/a/notes.txt"), "x");
        Files.writeString(folder.resolve("train/labels.csv"), "x");
        Files.writeString(folder.resolve("train/a/.hidden"), "x");
        DataSplits data = ImageFolder.load(folder, SHAPE);
        assertEquals(2, data.notices().size());
        assertTrue(data.notices().getFirst().startsWith("Skipped 2 files"), data.notices().getFirst());
        assertTrue(data.notices().getFirst().contains("notes.txt") && data.notices().getFirst().contains("labels.csv"));
    }

    @Test
    void allDamagedImagesAreNamedAtOnce() throws IOException {
        write("a/1.png", 0);
        Path first = Files.writeString(folder.resolve("a/2.png"), "no image");
        Path second = Files.writeString(folder.resolve("a/3.png"), "");
        assertDataError(() -> ImageFolder.load(folder, SHAPE), first.toString(), second.toString(), "Repair or remove");
    }

    @Test
    void aDamagedImageIsAnErrorThatNamesIt() throws IOException {
        write("a/1.png", 0);
        Path broken = write("a/2.png", 0x123456);
        byte[] content = Files.readAllBytes(broken);
        for (int length : new int[] {0, 4, 20, 40, content.length / 2}) {
            Files.write(broken, Arrays.copyOf(content, length));
            assertDataError(() -> ImageFolder.load(folder, SHAPE), broken.toString());
        }
        Files.writeString(broken, "this is no picture");
        assertDataError(() -> ImageFolder.load(folder, SHAPE), broken.toString(), "no PNG, JPEG, BMP or GIF");
    }

    @Test
    void aTruncatedJpegIsAnErrorThatNamesIt() throws IOException {
        write("a/1.png", 0);
        Path broken = write("a/2.jpg", noise());
        byte[] content = Files.readAllBytes(broken);
        for (int length : new int[] {1, 100, content.length / 2, content.length - 100}) {
            Files.write(broken, Arrays.copyOf(content, length));
            assertDataError(() -> ImageFolder.load(folder, SHAPE), broken.toString());
        }
    }

    private static BufferedImage noise() {
        BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        RandomStream random = RandomStream.of(1, "test");
        for (int p = 0; p < 64 * 64; p++) {
            image.setRGB(p % 64, p / 64, random.nextBits());
        }
        return image;
    }

    @Test
    void aPictureOfAbsurdSizeIsAnErrorBeforeMemoryIsSetAside() throws IOException {
        write("a/1.png", 0);
        Path huge = write("a/2.png", 0);
        ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(huge));
        // The PNG's first chunk: type at byte 12, width at 16, height at 20, checksum of type and data at 29.
        content.putInt(16, 100_000).putInt(20, 100_000);
        CRC32 checksum = new CRC32();
        checksum.update(content.array(), 12, 17);
        content.putInt(29, (int) checksum.getValue());
        Files.write(huge, content.array());
        assertDataError(() -> ImageFolder.load(folder, SHAPE), huge.toString(), "10000000000 pixels", "at most 100000000 are read");
    }

    @Test
    void foldersThatDoNotFitAreErrors() throws IOException {
        assertDataError(() -> ImageFolder.load(folder.resolve("absent"), SHAPE), "no folder", "absent");
        assertDataError(() -> ImageFolder.load(folder, SHAPE), "has no folders");
        Files.createDirectories(folder.resolve("empty"));
        assertDataError(() -> ImageFolder.load(folder, SHAPE), "empty", "has no PNG");
        write("train/a/1.png", 0);
        assertDataError(() -> ImageFolder.load(folder, SHAPE), "has a folder train but no folder test");
        write("test/b/1.png", 0);
        assertDataError(() -> ImageFolder.load(folder, SHAPE), "same classes", "[a]", "[b]");
        assertDataError(() -> ImageFolder.load(folder, new ImageShape(1, 4, 4)), "3 channels");
    }
}
