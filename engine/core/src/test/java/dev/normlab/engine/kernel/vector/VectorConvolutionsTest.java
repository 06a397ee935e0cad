package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VectorConvolutionsTest {

    private static final long SEED = 20250301;

    // Bands of a few rows, and images that several chunks share.
    private static final List<Conv2dSizes> BANDS_OF_GROUPS = List.of(ConvolutionCase.sizes(2, 24, 50, 70, 24, 3, 3, 1, 1, 1, 3),
            ConvolutionCase.sizes(2, 24, 50, 70, 24, 5, 3, 2, 2, 1, 3), ConvolutionCase.sizes(40, 24, 9, 8, 24, 3, 5, 2, 2, 2, 3));

    // First layers of several bands, and of several images at a time with many and with three output channels.
    private static final List<Conv2dSizes> FIRST_LAYERS = List.of(ConvolutionCase.sizes(2, 3, 33, 35, 64, 3, 3, 1, 1, 1, 1),
            ConvolutionCase.sizes(40, 3, 9, 16, 64, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(40, 3, 9, 16, 3, 3, 3, 1, 1, 1, 1),
            ConvolutionCase.sizes(3, 3, 40, 40, 64, 7, 7, 1, 3, 1, 1));

    @Test
    void awkwardSizesAgreeWithTheDefinition() {
        SplittableRandom random = new SplittableRandom(SEED);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            for (int i = 0; i < 150; i++) {
                requireDefinition(new ConvolutionCase(ConvolutionCase.awkward(random), random), workspace);
            }
        }
    }

    /// Every case has scratch memory of its own, so that an array that is too short is seen.
    @Test
    void groupsOfEightChannelsAgreeWithTheDefinition() {
        SplittableRandom random = new SplittableRandom(SEED + 3);
        List<Conv2dSizes> sizes = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            sizes.add(ConvolutionCase.inGroupsOfEight(random));
        }
        sizes.addAll(BANDS_OF_GROUPS);
        try (Workers workers = new Workers(2)) {
            for (Conv2dSizes s : sizes) {
                requireDefinition(new ConvolutionCase(s, random), new Workspace(workers));
            }
        }
    }

    /// Every case has scratch memory of its own, so that an array that is too short is seen.
    @Test
    void firstLayersAgreeWithTheDefinition() {
        SplittableRandom random = new SplittableRandom(SEED + 4);
        List<Conv2dSizes> sizes = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            sizes.add(ConvolutionCase.firstLayer(random));
        }
        for (int width : new int[] {Lanes.V - 1, Lanes.V, Lanes.V + 1, 2 * Lanes.V, 2 * Lanes.V + 3}) {
            sizes.add(ConvolutionCase.sizes(5, 3, 9, width, 64, 3, 3, 1, 1, 1, 1));
        }
        sizes.addAll(FIRST_LAYERS);
        try (Workers workers = new Workers(2)) {
            for (Conv2dSizes s : sizes) {
                requireDefinition(new ConvolutionCase(s, random), new Workspace(workers));
            }
        }
    }

    // Bands of several rows, several weight parts, several pieces of output channels with 4, 2 and 1 vectors, several groups of images.
    @Test
    void sizesOfRealNetworksAgreeWithTheDefinition() {
        List<Conv2dSizes> sizes = List.of(ConvolutionCase.sizes(2, 3, 32, 32, 64, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(1, 64, 20, 20, 112, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(13, 152, 4, 4, 40, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(7, 40, 8, 8, 152, 3, 3, 2, 1, 1, 1),
                ConvolutionCase.sizes(3, 56, 16, 16, 56, 3, 3, 2, 1, 1, 7), ConvolutionCase.sizes(5, 56, 9, 9, 24, 1, 1, 2, 0, 1, 1),
                ConvolutionCase.sizes(9, 48, 8, 8, 80, 1, 1, 1, 0, 1, 1), ConvolutionCase.sizes(2, 33, 10, 10, 33, 3, 3, 1, 1, 1, 33),
                ConvolutionCase.sizes(25, 24, 2, 2, 24, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(1, 260, 6, 6, 24, 5, 5, 1, 2, 1, 1));
        SplittableRandom random = new SplittableRandom(SEED);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            for (Conv2dSizes s : sizes) {
                requireDefinition(new ConvolutionCase(s, random), workspace);
            }
        }
    }

    private static void requireDefinition(ConvolutionCase each, Workspace workspace) {
        Conv2dSizes s = each.s;
        requireClose(each, "forward", each.forward(workspace), each.forwardByDefinition(), s.groupInputs() * s.kh() * s.kw());
        requireClose(each, "backward input", each.backwardInput(workspace), each.backwardInputByDefinition(),
                s.groupOutputs() * s.kh() * s.kw());
        requireClose(each, "backward weight", each.backwardWeight(workspace), each.backwardWeightByDefinition(), s.n() * s.oh() * s.ow());
    }

    private static void requireClose(ConvolutionCase each, String what, float[] actual, double[] expected, int length) {
        double error = ConvolutionCase.errorInRoundings(actual, expected, length);
        assertTrue(error <= 4,
                () -> what + " of " + each.s + " is off by " + error + " times the rounding of its sums (seed " + SEED + ")");
    }

    /// Rows of padding are no input: an infinite output gradient in the first row has no part in the gradients of the upper taps, and one
    /// in the last row none in those of the lower taps.
    @Test
    void infiniteGradientsOfAFirstLayerDoNotMeetRowsOfPadding() {
        SplittableRandom random = new SplittableRandom(SEED + 5);
        try (Workers workers = new Workers(1)) {
            for (int rows : new int[] {8, 32, 70}) {
                ConvolutionCase each = new ConvolutionCase(ConvolutionCase.sizes(1, 3, rows, 32, 64, 3, 3, 1, 1, 1, 1), random);
                each.dOut[5] = Float.POSITIVE_INFINITY;
                each.dOut[(2 * rows - 1) * 32 + 5] = Float.POSITIVE_INFINITY;
                float[] dWeight = each.backwardWeight(new Workspace(workers));
                for (int tap = 0; tap < 27; tap++) {
                    int row = tap / 3 % 3;
                    assertEquals(row > 0, !Float.isFinite(dWeight[tap]), rows + " rows, first output channel, tap " + tap);
                    assertEquals(row < 2, !Float.isFinite(dWeight[27 + tap]), rows + " rows, second output channel, tap " + tap);
                }
            }
        }
    }

    @Test
    void aNaNStaysInItsGroupWhereGroupsHaveTheirOwnLoops() {
        SplittableRandom random = new SplittableRandom(SEED + 2);
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            for (int stride : new int[] {1, 2}) {
                staysInItsGroup(ConvolutionCase.sizes(2, 40, 6, 6, 40, 3, 3, stride, 1, 1, 5), random, workspace);
            }
            staysInItsGroup(ConvolutionCase.sizes(2, 21, 6, 6, 21, 3, 3, 1, 1, 1, 21), random, workspace);
        }
    }

    // In the first group's first input and output gradient is a NaN: it reaches that group's results, and no others.
    private static void staysInItsGroup(Conv2dSizes s, SplittableRandom random, Workspace workspace) {
        assumeTrue(s.groups() == s.c() || GroupTiles.areSupported(), "vectors are too short for loops of groups");
        ConvolutionCase poisoned = new ConvolutionCase(s, random);
        poisoned.x[7] = Float.NaN;
        poisoned.dOut[4] = Float.NaN;
        float[][] results = {poisoned.forward(workspace), poisoned.backwardInput(workspace), poisoned.backwardWeight(workspace)};
        for (int k = 0; k < results.length; k++) {
            int perGroup = results[k].length / s.groups() / (k < 2 ? s.n() : 1), seen = 0;
            for (int i = 0; i < results[k].length; i++) {
                if (Float.isNaN(results[k][i])) {
                    assertTrue(i < perGroup, s + ": a NaN at " + i + " of result " + k);
                    seen++;
                }
            }
            assertTrue(seen > 0, s + ": the NaN was lost in result " + k);
        }
    }

    /// Zero times infinity is NaN: it must not stay in the lanes without a channel, which loops of several groups read, too.
    @Test
    void infiniteValuesLeaveNothingInThePadding() {
        SplittableRandom random = new SplittableRandom(SEED + 5);
        List<Conv2dSizes> sizes = List.of(ConvolutionCase.sizes(2, 21, 8, 8, 21, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(2, 21, 9, 9, 37, 3, 3, 2, 1, 1, 1), ConvolutionCase.sizes(3, 42, 5, 5, 42, 1, 1, 1, 0, 1, 2),
                ConvolutionCase.sizes(2, 21, 6, 6, 21, 3, 3, 1, 1, 1, 21), ConvolutionCase.sizes(1, 600, 4, 4, 21, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(2, 24, 7, 7, 24, 3, 3, 1, 1, 1, 3));
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            for (Conv2dSizes s : sizes) {
                for (ConvolutionMode mode : ConvolutionMode.values()) {
                    ConvolutionCase infinite = new ConvolutionCase(s, random, mode);
                    infinite.x[7] = Float.NEGATIVE_INFINITY;
                    infinite.dOut[4] = Float.POSITIVE_INFINITY;
                    for (float[] result : List.of(infinite.forward(workspace), infinite.backwardInput(workspace))) { // both read the padding
                        boolean seen = false;
                        for (float value : result) {
                            seen |= !Float.isFinite(value);
                        }
                        assertTrue(seen, s + ": the infinite value was lost");
                    }
                }
            }
        }
    }

    @Test
    void anImageDoesNotDependOnItsBatch() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            for (int i = 0; i < 110; i++) {
                Conv2dSizes sizes = i < 60
                        ? ConvolutionCase.awkward(random)
                        : i < 90 ? ConvolutionCase.inGroupsOfEight(random) : ConvolutionCase.firstLayer(random);
                ConvolutionCase batch = new ConvolutionCase(sizes, random);
                float[] y = batch.forward(workspace), dx = batch.backwardInput(workspace);
                for (int in = 0; in < batch.s.n(); in++) {
                    ConvolutionCase alone = batch.image(in);
                    assertArrayEquals(alone.forward(workspace), batch.part(y, in), 0f, () -> "forward of " + batch.s);
                    assertArrayEquals(alone.backwardInput(workspace), batch.part(dx, in), 0f, () -> "backward input of " + batch.s);
                }
            }
        }
    }

    @Test
    void resultsDoNotDependOnTheNumberOfThreads() {
        SplittableRandom random = new SplittableRandom(SEED + 2);
        try (Workers single = new Workers(1); Workers team = new Workers(5)) {
            Workspace alone = new Workspace(single), together = new Workspace(team);
            List<Conv2dSizes> sizes = new ArrayList<>(BANDS_OF_GROUPS);
            sizes.addAll(FIRST_LAYERS);
            for (int i = 0; i < 90; i++) {
                sizes.add(i < 40
                        ? ConvolutionCase.awkward(random)
                        : i < 70 ? ConvolutionCase.inGroupsOfEight(random) : ConvolutionCase.firstLayer(random));
            }
            for (Conv2dSizes s : sizes) {
                ConvolutionCase each = new ConvolutionCase(s, random);
                assertArrayEquals(each.forward(alone), each.forward(together), 0f, () -> "forward of " + each.s);
                assertArrayEquals(each.backwardInput(alone), each.backwardInput(together), 0f, () -> "backward input of " + each.s);
                assertArrayEquals(each.backwardWeight(alone), each.backwardWeight(together), 0f, () -> "backward weight of " + each.s);
            }
        }
    }
}
