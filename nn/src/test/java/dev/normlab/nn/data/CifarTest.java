package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static dev.normlab.nn.data.DataFixture.image;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CifarTest {

    private static final int PIXELS = 3072;

    @TempDir
    Path folder;

    /// Records with these labels; pixel `p` of record `r` is `(r + p) % 256`.
    private static byte[] records(int labelBytes, int... labels) {
        byte[] content = new byte[labels.length * (labelBytes + PIXELS)];
        for (int r = 0; r < labels.length; r++) {
            int start = r * (labelBytes + PIXELS);
            Arrays.fill(content, start, start + labelBytes, (byte) 9);
            content[start + labelBytes - 1] = (byte) labels[r];
            for (int p = 0; p < PIXELS; p++) {
                content[start + labelBytes + p] = (byte) (r + p);
            }
        }
        return content;
    }

    private void writeCifar10(Path where) throws IOException {
        Files.createDirectories(where);
        for (int batch = 1; batch <= 5; batch++) {
            Files.write(where.resolve("data_batch_" + batch + ".bin"), records(1, batch, 0));
        }
        Files.write(where.resolve("test_batch.bin"), records(1, 9, 8, 7));
    }

    @Test
    void theFiveTrainingFilesFollowEachOther() throws IOException {
        writeCifar10(folder);
        DataSplits data = Cifar.cifar10(folder);
        assertEquals(10, data.train().size());
        assertEquals(3, data.test().size());
        assertEquals(new ImageShape(3, 32, 32), data.train().shape());
        assertEquals(4, data.train().label(6));
        assertEquals(0, data.train().label(7));
        assertEquals(7, data.test().label(2));
        assertEquals("airplane", data.train().classNames().getFirst());
        float[] image = image(data.test(), 2);
        assertEquals(2 / 255f, image[0]);
        assertEquals((PIXELS - 1 + 2) % 256 / 255f, image[PIXELS - 1]);
    }

    @Test
    void theFolderOfTheArchiveIsFoundInsideTheGivenOne() throws IOException {
        writeCifar10(folder.resolve("cifar-10-batches-bin"));
        assertEquals(10, Cifar.cifar10(folder).train().size());
    }

    @Test
    void classNamesComeFromTheNamesFileIfItFits() throws IOException {
        writeCifar10(folder);
        Files.writeString(folder.resolve("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
        assertEquals(List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), Cifar.cifar10(folder).train().classNames());
        Files.writeString(folder.resolve("batches.meta.txt"), "a\nb\n");
        assertEquals("airplane", Cifar.cifar10(folder).train().classNames().getFirst());
    }

    @Test
    void cifar100UsesTheFineLabel() throws IOException {
        Files.write(folder.resolve("train.bin"), records(2, 99, 0, 50));
        Files.write(folder.resolve("test.bin"), records(2, 1));
        DataSplits data = Cifar.cifar100(folder);
        assertEquals(100, data.train().classes());
        assertEquals(99, data.train().label(0));
        assertEquals(1, data.test().label(0));
        assertEquals(1 / 255f, image(data.train(), 1)[0]);
    }

    @Test
    void aMissingFolderOrFileIsAnErrorThatNamesIt() throws IOException {
        assertDataError(() -> Cifar.cifar10(folder.resolve("absent")), "there is no folder", "absent");
        writeCifar10(folder);
        Files.delete(folder.resolve("data_batch_3.bin"));
        assertDataError(() -> Cifar.cifar10(folder), "there is no file", "data_batch_3.bin");
        Files.writeString(folder.resolve("data_batch_1"), "");
        assertDataError(() -> Cifar.cifar10(folder), "Python version");
    }

    @Test
    void aTruncatedOrEmptyFileIsAnErrorThatNamesIt() throws IOException {
        writeCifar10(folder);
        Path file = folder.resolve("data_batch_2.bin");
        for (int length : new int[] {1, 3072, 3074, 2 * 3073 - 1}) {
            Files.write(file, Arrays.copyOf(records(1, 1, 2), length));
            assertDataError(() -> Cifar.cifar10(folder), "data_batch_2.bin", "records of 3073 bytes", length + " bytes", "truncated");
        }
        Files.write(file, new byte[0]);
        assertDataError(() -> Cifar.cifar10(folder), "data_batch_2.bin", "0 bytes are 0 records");
    }

    @Test
    void aLabelOutOfRangeIsAnErrorThatNamesFileRecordAndValue() throws IOException {
        writeCifar10(folder);
        Files.write(folder.resolve("test_batch.bin"), records(1, 3, 10));
        assertDataError(() -> Cifar.cifar10(folder), "record 1 of", "test_batch.bin", "the label 10", "0 to 9");
        Files.write(folder.resolve("test_batch.bin"), records(1, 255));
        assertDataError(() -> Cifar.cifar10(folder), "record 0", "the label 255");
    }

    /// The real images of the shared sample, where a machine has them.
    @Test
    void theSharedSampleOfCifar10IsReadWhereItIsThere() {
        String shared = System.getProperty("normlab.shared", Objects.requireNonNullElse(System.getenv("NORMLAB_SHARED"), "../shared"));
        Path sample = Path.of(shared, "data", "cifar-10-sample");
        if (!Files.isDirectory(sample)) {
            sample = Path.of("..").resolve(sample);
        }
        assumeTrue(Files.isDirectory(sample), "skipped: no CIFAR-10 sample at " + sample + " (set normlab.shared)");
        DataSplits data = Cifar.cifar10(sample);
        assertEquals(5 * 761, data.train().size());
        assertEquals(761, data.test().size());
        DataSummary summary = DataSummary.of(data.train());
        assertEquals(data.train().size(), summary.counts().stream().mapToInt(Integer::intValue).sum());
        assertTrue(Collections.min(summary.counts()) > 0);
        // The channel means and deviations of the whole of CIFAR-10; the sample's differ a little.
        double[] mean = {0.4914, 0.4822, 0.4465};
        double[] deviation = {0.247, 0.243, 0.262};
        for (int c = 0; c < 3; c++) {
            assertEquals(mean[c], summary.mean().get(c), 0.01);
            assertEquals(deviation[c], summary.deviation().get(c), 0.01);
        }
    }
}
