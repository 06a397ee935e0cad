package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.Passes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.nn.data.DataSplits;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a dry run plans for and times, without timing it.
class EstimateTest {

    @ParameterizedTest
    @CsvSource({"cifar10:nowhere,CIFAR-10,50000,10000,10", "cifar100:nowhere,CIFAR-100,50000,10000,100"})
    void dataThatIsNotThereIsPlannedForWithItsOwnSizes(String data, String name, int train, int test, int classes) {
        assertEquals(new KnownData(name, train, test, classes), KnownData.of(DataSource.parse(data)).orElseThrow());
    }

    @Test
    void whatHasNoKnownSizeIsNotPlannedFor() {
        for (String data : List.of("cifar10c:nowhere,fog=3", "npz:nothing.npz", "folder:cifar10")) {
            assertTrue(KnownData.of(DataSource.parse(data)).isEmpty(), data);
        }
    }

    @Test
    void theSubstituteHasAsManyClasses() {
        DataSplits data = DryRun.substitute(100);
        assertEquals(100, data.train().classes());
        assertEquals(99, data.test().label(99));
        assertEquals("3x32x32", data.train().shape().toString());
    }

    private static StudyConfig attacking(String attacks, String norm) {
        return StudyConfig
                .of(ConfigTree.parse(StudyConfigTest.SMALL.replaceFirst("attack: .*", "attack: {attacks: [" + attacks + "], norm: "
                        + norm + ", eps: 1/255, steps: 100, restarts: 1, targets: 9, images: 10}"), "study.yaml"));
    }

    /// The passes of an image that survives: APGD 101 gradients, for each target; FAB two passes forward and one backward a step (without
    /// targets one backward for each class); Square passes forward alone. In l1 APGD of `standard` has three stages.
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"apgd-ce, apgd-t;linf;1010;1010", "apgd-ce;l1;101;101", "fgsm;linf;2;1", "pgd;l2;101;101",
        "square;linf;5000;0", "fab;linf;200;1000", "fab-t;linf;1800;900", "standard;linf;7810;1910", "standard;l1;7830;1930",
        "plus;linf;8111;3011", "rand;linf;4040;4040"})
    void attacksAreCountedByTheirOwnSettings(String attacks, String norm, long forward, long backward) {
        assertEquals(new Passes(forward, backward), attacking(attacks, norm).attack().passes(10));
    }

    @Test
    void targetsAreAtMostTheWrongClasses() {
        assertEquals(new Passes(202, 202), attacking("apgd-t", "linf").attack().passes(3));
    }

    @Test
    void passesForwardAloneCostAnEvaluationAndFurtherOnesBackwardTheDifference() {
        assertEquals(1010 * 3.0, CostEstimate.seconds(new Passes(1010, 1010), 1, 3), 1e-9);
        assertEquals(1910 * 3.0 + 5900, CostEstimate.seconds(new Passes(7810, 1910), 1, 3), 1e-9);
        assertEquals(200 * 3.0 + 800 * 2, CostEstimate.seconds(new Passes(200, 1000), 1, 3), 1e-9);
        assertEquals(200 * 3.0, CostEstimate.seconds(new Passes(200, 1000), 4, 3), 1e-9, "no pass takes less than no time");
    }

    @Test
    void runsAreComparedByTheirPasses() {
        DataSplits data = DataSource.load("synthetic:train=40,test=20");
        try (Device device = Device.cpu(1)) {
            StudyConfig gradients = attacking("apgd-ce, apgd-t", "linf");
            PlannedRun run = StudyPlan.of(gradients).runs().getFirst();
            RelativeCost.Cost cost = new RelativeCost(gradients, device).of(run, data);
            double forward = new RelativeCost(gradients, device).summary(run.model(), data.train().shape(), 10).multiplyAdds();
            assertEquals(new RelativeCost.Cost(2, forward * (3 * 40 + 20), forward * 0.5 * 10 * 2020), cost);
            assertEquals(2 * cost.epoch() + cost.attack(), cost.whole());
            RelativeCost.Cost square = new RelativeCost(attacking("square", "linf"), device).of(run, data);
            assertEquals(forward * 0.5 * 10 * 5000, square.attack());
        }
    }

    @Test
    void stepsOfOtherBatchesAugmentationAndHooksAreTimedAnew() {
        List<PlannedRun> runs = StudyPlan.of(StudyConfig.of(ConfigTree.parse(StudyConfigTest.SMALL, "study.yaml"))).runs();
        TrainingSettings plain = runs.getFirst().settings();
        TrainingSettings decay = runs.get(1).settings();
        CostEstimate.StepKind kind = CostEstimate.StepKind.of(plain);
        assertNotEquals(kind, CostEstimate.StepKind.of(decay));
        assertEquals(kind, CostEstimate.StepKind.of(decay.withoutHooks()), "what is plain has none of the first run's hooks");
        assertEquals(CostEstimate.StepKind.of(decay), CostEstimate.StepKind.of(runs.get(2).settings()), "strengths cost nothing");
        for (String[] change : new String[][] {{"batch_size", "20"}, {"augment", "false"}}) {
            var map = plain.toMap();
            map.put(change[0], change[1]);
            assertNotEquals(kind, CostEstimate.StepKind.of(TrainingSettings.parse(map)), change[0]);
        }
    }
}
