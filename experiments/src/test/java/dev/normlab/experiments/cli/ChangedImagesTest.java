package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Images that are not what they were, or not what their number makes one think.
class ChangedImagesTest {

    @TempDir
    private Path folder;

    private void image(String file, int colour) throws IOException {
        BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 32 * 32; i++) {
            image.setRGB(i % 32, i / 32, colour + i);
        }
        Path path = folder.resolve("photos").resolve(file);
        Files.createDirectories(path.getParent());
        assertTrue(ImageIO.write(image, "png", path.toFile()));
    }

    private Output run(String... args) {
        return Output.of(args);
    }

    @Test
    void anImageMoreMakesOtherTestImagesAndThatIsSaid() throws IOException {
        for (int i = 0; i < 20; i++) {
            image("cat/m" + (char) ('a' + i) + ".png", 0x100000 + 100 * i);
            image("dog/m" + (char) ('a' + i) + ".png", 0x001000 + 100 * i);
        }
        String data = "folder:" + folder.resolve("photos");
        String run = folder.resolve("run").toString();
        assertEquals(0, run("train", "--model", "lenet", "--data", data, "--epochs", "1", "--batch-size", "8", "--out", run).code());
        Output same = run("evaluate", "--weights", run);
        assertFalse(same.err().contains("not those of the run"), same.err());
        image("cat/a-new-one.png", 0x777777);
        Output evaluated = run("evaluate", "--weights", run);
        assertEquals(0, evaluated.code());
        assertTrue(evaluated.err().contains("the test images of " + data + " are not those of the run"), evaluated.err());
        String before = Files.readString(folder.resolve("run/result.json"));
        assertEquals(0, run("attack", "--weights", run, "--attacks", "fgsm").code());
        assertEquals(before, Files.readString(folder.resolve("run/result.json")), "nothing is added to the run");
        Output resumed = run("train", "--resume", "--out", run);
        assertEquals(1, resumed.code());
        assertTrue(resumed.err().contains("images are not those with which the run began"), resumed.err());
    }

    @Test
    void theFirstImagesOfAFileThatIsInTheOrderOfItsClassesAreSaidToLackSome() throws IOException {
        int n = 20;
        int[] labels = new int[n];
        float[] pixels = new float[n * 3 * 32 * 32];
        for (int i = 0; i < n; i++) {
            labels[i] = i / 10;
            pixels[i * 3 * 32 * 32] = i / 20f;
        }
        Path file = folder.resolve("sorted.npz");
        Npz.write(file, Map.of("x", NumberArray.of(pixels, n, 3, 32, 32), "y", NumberArray.of(labels, n)));
        Output some = run("evaluate", "--model", "lenet", "--data", "npz:" + file, "--limit", "5");
        assertTrue(some.err().contains("the first 5 images are of 1 of the 2 classes only"), some.err());
        Output most = run("evaluate", "--model", "lenet", "--data", "npz:" + file, "--limit", "15");
        assertFalse(most.err().contains("classes only"), most.err());
    }

    @Test
    void thereIsNothingToLearnFromOneClass() throws IOException {
        image("train/dog/a.png", 0x100000);
        image("test/dog/a.png", 0x100000);
        Output refused = run("train", "--model", "lenet", "--data", "folder:" + folder.resolve("photos"), "--out",
                folder.resolve("run").toString());
        assertEquals(1, refused.code());
        assertTrue(refused.err().contains("nothing to learn from a single class"), refused.err());
    }

    @Test
    void nobodyTrainsOnTheCorruptedTestImages() {
        Output refused = run("train", "--data", "cifar10c:somewhere,fog=3");
        assertEquals(2, refused.code());
        assertTrue(refused.err().contains("CIFAR-10-C has test images only"), refused.err());
    }
}
