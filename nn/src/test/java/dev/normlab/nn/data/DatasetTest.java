package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static dev.normlab.nn.data.DataFixture.image;
import static dev.normlab.nn.data.DataFixture.names;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import org.junit.jupiter.api.Test;

class DatasetTest {

    private static final ImageShape SHAPE = new ImageShape(3, 4, 5);

    @Test
    void bytesBecomeNumbersFromZeroToOne() {
        Dataset data = Dataset.ofBytes("test", new ImageShape(1, 1, 3), names(1), new byte[] {0, (byte) 255, (byte) 128}, new int[] {0});
        assertArrayEquals(new float[] {0, 1, 128 / 255f}, image(data, 0));
    }

    @Test
    void numbersStayAsTheyAre() {
        float[] values = {0, 1, 0.123456789f, Float.MIN_VALUE};
        Dataset data = Dataset.ofUnits("test", new ImageShape(1, 1, 2), names(2), values, new int[] {1, 0});
        assertArrayEquals(new float[] {0.123456789f, Float.MIN_VALUE}, image(data, 1));
        assertEquals(1, data.label(0));
    }

    @Test
    void numbersOutsideZeroToOneAreErrorsThatNameTheImage() {
        for (float wrong : new float[] {-0.001f, 1.001f, 255, Float.NaN, Float.POSITIVE_INFINITY}) {
            float[] values = {0, 1, 0.5f, wrong};
            assertDataError(() -> Dataset.ofUnits("photos", new ImageShape(1, 1, 2), names(1), values, new int[2]), "photos", "image 1",
                    "" + wrong, "[0, 1]");
        }
    }

    @Test
    void labelsOutOfRangeAndLengthsThatDoNotFitAreErrors() {
        for (int wrong : new int[] {-1, 2, Integer.MAX_VALUE}) {
            assertDataError(() -> Dataset.ofBytes("photos", new ImageShape(1, 1, 1), names(2), new byte[2], new int[] {0, wrong}),
                    "image 1", "the label " + wrong, "0 to 1");
        }
        assertDataError(() -> Dataset.ofBytes("photos", SHAPE, names(2), new byte[61], new int[1]), "1 images of 3x4x5", "61 values");
    }

    @Test
    void theFirstImagesAndSubsetsShareTheImages() {
        Dataset data = DataFixture.bytes(10, SHAPE, 3);
        Dataset first = data.first(4);
        assertEquals(4, first.size());
        assertArrayEquals(image(data, 3), image(first, 3));
        assertSame(data, data.first(10));
        assertSame(data, data.first(11));
        Dataset subset = data.subset(new int[] {7, 2, 7}).subset(new int[] {2, 1});
        assertEquals(2, subset.size());
        assertArrayEquals(image(data, 7), image(subset, 0));
        assertArrayEquals(image(data, 2), image(subset, 1));
        assertEquals(data.label(2), subset.label(1));
        assertDataError(() -> data.first(0), "at least 1", "0");
        assertDataError(() -> data.first(-5), "-5");
    }

    @Test
    void theContentHashFollowsContentAndOrderAlone() {
        Dataset data = DataFixture.bytes(10, SHAPE, 3);
        assertEquals(64, data.contentHash().length());
        assertEquals(data.contentHash(), DataFixture.bytes(10, SHAPE, 3).contentHash());
        assertEquals(data.first(4).contentHash(), DataFixture.bytes(4, SHAPE, 3).contentHash());
        assertNotEquals(data.contentHash(), data.first(9).contentHash());
        assertNotEquals(data.first(2).contentHash(), data.subset(new int[] {1, 0}).contentHash());
        assertNotEquals(data.first(2).contentHash(), DataFixture.bytes(2, SHAPE, 2).contentHash());
        float[] values = new float[SHAPE.values()];
        Dataset zero = Dataset.ofUnits("test", SHAPE, names(1), values.clone(), new int[1]);
        values[59] = Float.MIN_VALUE;
        assertNotEquals(zero.contentHash(), Dataset.ofUnits("test", SHAPE, names(1), values, new int[1]).contentHash());
    }

    @Test
    void theSummaryCountsClassesAndMeasuresChannels() {
        byte[] images = {0, (byte) 255, 51, 51, (byte) 255, 0, 51, 51};
        Dataset data = Dataset.ofBytes("test", new ImageShape(2, 1, 2), names(3), images, new int[] {2, 2});
        DataSummary summary = DataSummary.of(data);
        assertEquals(List.of(0, 0, 2), summary.counts());
        assertEquals(2, summary.size());
        assertEquals(0.5, summary.mean().get(0), 1e-12);
        assertEquals(0.5, summary.deviation().get(0), 1e-12);
        assertEquals(0.2, summary.mean().get(1), 1e-7);
        assertEquals(0, summary.deviation().get(1), 1e-7);
        assertEquals(data.contentHash(), summary.contentHash());
    }

    @Test
    void splitsAreFoundByNameAndMustFitEachOther() {
        Dataset train = DataFixture.bytes(10, SHAPE, 3);
        Dataset test = DataFixture.bytes(5, SHAPE, 3);
        DataSplits splits = new DataSplits(train, test, List.of("a notice"));
        assertSame(train, splits.split("train"));
        assertSame(test, splits.split("test"));
        assertEquals(4, splits.limit(4).train().size());
        assertEquals(4, splits.limit(4).test().size());
        assertEquals(List.of("a notice"), splits.limit(4).notices());
        assertDataError(() -> splits.split("validation"), "\"validation\"", "train or test");
        assertDataError(() -> new DataSplits(train, DataFixture.bytes(5, SHAPE, 4), List.of()), "same sizes and classes");
        assertDataError(() -> new DataSplits(train, DataFixture.bytes(0, SHAPE, 3), List.of()), "at least one image");
    }

    @Test
    void absurdImageSizesAreErrors() {
        assertDataError(() -> new ImageShape(0, 1, 1), "0x1x1");
        assertDataError(() -> new ImageShape(3, 65536, 65536), "2^28");
    }
}
