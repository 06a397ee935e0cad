package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
