package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// The fast mode has tolerances of its own: [#ROUNDINGS] where the exact mode has four; about two were met.
class FastConvolutionsTest {

    private static final long SEED = 20250302;

    /// How far a result may be off, in units of the rounding that its sum may have.
    static final double ROUNDINGS = 6;

    // Transformed weights of more than 4 million floats: several units take one piece of them after the other.
    private static final Conv2dSizes LARGE = ConvolutionCase.sizes(3, 360, 8, 8, 340, 3, 3, 1, 1, 1, 1);

    @Test
    void awkwardSizesAgreeWithTheDefinition() {
        SplittableRandom random = new SplittableRandom(SEED);
        Set<ConvolutionAlgorithm> met = EnumSet.noneOf(ConvolutionAlgorithm.class);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            for (int i = 0; i < 90; i++) {
                ConvolutionCase each = new ConvolutionCase(ConvolutionCase.regular(random), random, ConvolutionMode.FAST);
                for (ConvolutionPass pass : ConvolutionPass.values()) {
                    met.add(each.algorithm(pass));
                }
                requireDefinition(each, workspace);
            }
            for (int i = 0; i < 20; i++) {
                requireDefinition(new ConvolutionCase(ConvolutionCase.awkward(random), random, ConvolutionMode.FAST), workspace);
            }
        }
        assertEquals(EnumSet.allOf(ConvolutionAlgorithm.class), met, "algorithms that were tried");
    }

    // Several units, pieces of 4, 2 and 1 vectors, units of several images and images of several units, sets of pieces.
    @Test
    void sizesOfRealNetworksAgreeWithTheDefinition() {
        List<Conv2dSizes> sizes = List.of(ConvolutionCase.sizes(2, 64, 32, 32, 64, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(3, 64, 16, 16, 112, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(13, 152, 8, 8, 40, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(1, 24, 33, 33, 56, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(70, 40, 4, 4, 330, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(2, 300, 4, 4, 24, 3, 3, 1, 1, 1, 1), ConvolutionCase.sizes(90, 56, 2, 2, 56, 3, 3, 1, 1, 1, 1),
                ConvolutionCase.sizes(5, 152, 6, 6, 10, 3, 3, 1, 0, 1, 1), LARGE);
        SplittableRandom random = new SplittableRandom(SEED);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            for (Conv2dSizes s : sizes) {
                requireDefinition(new ConvolutionCase(s, random, ConvolutionMode.FAST), workspace);
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
        assertTrue(error <= ROUNDINGS,
                () -> what + " of " + each.s + " is off by " + error + " times the rounding of its sums (seed " + SEED + ")");
    }

    @Test
    void anImageDoesNotDependOnItsBatch() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            for (int i = 0; i < 40; i++) {
                ConvolutionCase batch = new ConvolutionCase(ConvolutionCase.regular(random), random, ConvolutionMode.FAST);
                float[] y = batch.forward(workspace), dx = batch.backwardInput(workspace);
                for (int in = 0; in < batch.s.n(); in++) {
                    ConvolutionCase alone = batch.image(in);
                    assertArrayEquals(alone.forward(workspace), batch.part(y, in), 0f, () -> "forward of " + batch.s);
                    assertArrayEquals(alone.backwardInput(workspace), batch.part(dx, in), 0f, () -> "backward input of " + batch.s);
                }
            }
        }
    }

    /// 210 tiles are five units: four that take the weights together, and one. Images are looked at around the ends of units.
    @Test
    void unitsThatShareLargeWeightsDoNotDependOnEachOther() {
        try (Workers workers = new Workers(1); Workers team = new Workers(3)) {
            Workspace workspace = new Workspace(workers), together = new Workspace(team);
            ConvolutionCase batch = new ConvolutionCase(ConvolutionCase.sizes(210, 360, 4, 4, 340, 3, 3, 1, 1, 1, 1),
                    new SplittableRandom(SEED + 3), ConvolutionMode.FAST);
            assertEquals(ConvolutionAlgorithm.WINOGRAD_4, batch.algorithm(ConvolutionPass.FORWARD));
            assertEquals(ConvolutionAlgorithm.WINOGRAD_4, batch.algorithm(ConvolutionPass.BACKWARD_INPUT));
            float[] y = batch.forward(workspace), dx = batch.backwardInput(workspace);
            assertArrayEquals(y, batch.forward(together), 0f, "forward with three threads");
            assertArrayEquals(dx, batch.backwardInput(together), 0f, "backward input with three threads");
            for (int in : new int[] {0, 47, 48, 191, 192, 209}) {
                ConvolutionCase alone = batch.image(in);
                assertArrayEquals(alone.forward(workspace), batch.part(y, in), 0f, () -> "forward of image " + in);
                assertArrayEquals(alone.backwardInput(workspace), batch.part(dx, in), 0f, () -> "backward input of image " + in);
            }
        }
    }

    /// 512 and 1,200 tiles: sums of weight gradients over several slices, each of several blocks.
    @Test
    void weightGradientsOverManyTilesAreTheirDefinition() {
        try (Workers single = new Workers(1); Workers team = new Workers(5)) {
            Workspace alone = new Workspace(single), together = new Workspace(team);
            for (Conv2dSizes s : List.of(ConvolutionCase.sizes(8, 24, 32, 32, 24, 3, 3, 1, 1, 1, 1),
                    ConvolutionCase.sizes(75, 40, 16, 16, 24, 3, 3, 1, 1, 1, 1))) {
                ConvolutionCase each = new ConvolutionCase(s, new SplittableRandom(SEED + 4), ConvolutionMode.FAST);
                assertEquals(ConvolutionAlgorithm.WINOGRAD_4, each.algorithm(ConvolutionPass.BACKWARD_WEIGHT));
                float[] dWeight = each.backwardWeight(alone);
                requireClose(each, "backward weight", dWeight, each.backwardWeightByDefinition(), s.n() * s.oh() * s.ow());
                assertArrayEquals(dWeight, each.backwardWeight(together), 0f, () -> "backward weight of " + s + " with five threads");
            }
        }
    }

    @Test
    void resultsDoNotDependOnTheNumberOfThreads() {
        SplittableRandom random = new SplittableRandom(SEED + 2);
        try (Workers single = new Workers(1); Workers team = new Workers(5)) {
            Workspace alone = new Workspace(single), together = new Workspace(team);
            for (int i = 0; i < 40; i++) {
                ConvolutionCase each = new ConvolutionCase(ConvolutionCase.regular(random), random, ConvolutionMode.FAST);
                assertArrayEquals(each.forward(alone), each.forward(together), 0f, () -> "forward of " + each.s);
                assertArrayEquals(each.backwardInput(alone), each.backwardInput(together), 0f, () -> "backward input of " + each.s);
                assertArrayEquals(each.backwardWeight(alone), each.backwardWeight(together), 0f, () -> "backward weight of " + each.s);
            }
        }
    }
}
