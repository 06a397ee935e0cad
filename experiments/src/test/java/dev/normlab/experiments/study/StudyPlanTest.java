package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.run.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class StudyPlanTest {

    private static StudyPlan plan(String yaml) {
        return StudyPlan.of(StudyConfig.of(ConfigTree.parse(yaml, "study.yaml")));
    }

    private static Map<String, Long> seeds(StudyPlan plan) {
        return plan.runs().stream().collect(Collectors.toMap(PlannedRun::folder, run -> run.settings().seed()));
    }

    @Test
    void everySettingIsThereOncePerSeedAndTheFirstSeedComesFirst() {
        StudyPlan plan = plan(StudyConfigTest.SMALL.replace("models: [", "models: [\"resnet18:width=0.125\", "));
        assertEquals(List.of("resnet18-width-0.125_plain_1", "resnet18-width-0.125_nd-l1_0.001_1", "resnet18-width-0.125_nd-l1_0.01_1",
                "vgg11-width-0.0625_plain_1", "vgg11-width-0.0625_nd-l1_0.001_1", "vgg11-width-0.0625_nd-l1_0.01_1",
                "resnet18-width-0.125_plain_2", "resnet18-width-0.125_nd-l1_0.001_2", "resnet18-width-0.125_nd-l1_0.01_2",
                "vgg11-width-0.0625_plain_2", "vgg11-width-0.0625_nd-l1_0.001_2", "vgg11-width-0.0625_nd-l1_0.01_2"),
                plan.runs().stream().map(PlannedRun::folder).toList());
        assertEquals(0.01, plan.runs().get(2).strength().orElseThrow().value());
        assertEquals("l1:0.01:conv+linear", plan.runs().get(2).settings().normDecay().orElseThrow().toString());
        assertEquals(12, seeds(plan).values().stream().distinct().count(), "every run has a seed of its own");
    }

    /// The seeds are part of the results: they may not change from one version to the next.
    @Test
    void seedsAreTheSameForever() {
        Map<String, Long> seeds = seeds(plan(StudyConfigTest.SMALL));
        assertEquals(SEED_OF_PLAIN, seeds.get("vgg11-width-0.0625_plain_1"));
        assertEquals(SEED_OF_DECAY, seeds.get("vgg11-width-0.0625_nd-l1_0.01_2"));
    }

    /// Settings that came later leave the seeds of runs that do not use them as they were.
    @Test
    void whatClippingLimitsCountsOnlyWhereItIsNotTheUsual() {
        String clipped = StudyConfigTest.SMALL.replace("base: plain}",
                "base: plain}\n  - {name: svc, base: svc}\n  - {name: own, base: svc, options: {svc_as: layer}}");
        Map<String, Long> seeds = seeds(plan(clipped));
        assertEquals(SEED_OF_CLIPPING, seeds.get("vgg11-width-0.0625_svc_1"));
        assertNotEquals(SEED_OF_CLIPPING, seeds.get("vgg11-width-0.0625_own_1"));
    }

    private static final long SEED_OF_PLAIN = 137372682790575L;
    private static final long SEED_OF_CLIPPING = 171993831873671L;
    private static final long SEED_OF_DECAY = 143549432969178L;

    @Test
    void noSeedDependsOnOtherRunsOrTheirOrderOrThePlaceOfTheData() {
        Map<String, Long> seeds = seeds(plan(StudyConfigTest.SMALL));
        String more = StudyConfigTest.SMALL.replace("models: [", "models: [\"resnet18:width=0.125\", ").replace("seeds: 2", "seeds: 3")
                .replace("  - {name: plain, base: plain}\n", "").replace("[1e-3, 1e-2]", "[0.1, 1e-2, 1e-3]")
                .replace("attack: {", "  - {name: plain, base: plain}\nattack: {")
                .replace("synthetic:train=40,test=20", "npz:elsewhere.npz")
                .replace("conv: exact", "conv: fast").replace("augment: true", "augment: true, bn_statistics: 32")
                .replace("name: small", "name: other").replace("steps: 3", "steps: 5");
        Map<String, Long> others = seeds(plan(more));
        assertEquals(2 * 4 * 3, others.size());
        seeds.forEach((folder, seed) -> assertEquals(seed, others.get(folder), folder));
        assertTrue(plan(more).runs().stream().allMatch(run -> run.settings().statisticsImages() == 32));
    }

    @Test
    void seedsDependOnTheRunsOwnSettingsAndTheStudysSeed() {
        Map<String, Long> seeds = seeds(plan(StudyConfigTest.SMALL));
        for (String[] change : new String[][] {{"seed: 7", "seed: 8"}, {"epochs: 2", "epochs: 3"}, {"lr: 0.05", "lr: 0.06"},
            {"limit: 0", "limit: 30"}, {"batch_size: 10", "batch_size: 20"}, {"augment: true", "augment: false"}}) {
            Map<String, Long> others = seeds(plan(StudyConfigTest.SMALL.replace(change[0], change[1])));
            seeds.forEach((folder, seed) -> assertNotEquals(seed, others.get(folder), change[1] + " " + folder));
        }
    }

    @Test
    void aStudyThatAttacksWithAlmostTheSizeOfItsTrainingSaysSo() {
        StudyPlan paper = StudyPlan.of(StudyConfig.of(ConfigTree.builtIn("adversarial-training")));
        assertEquals(1, paper.remarks().size(), paper.remarks().toString());
        assertTrue(paper.remarks().getFirst().contains("trained on linf perturbations of up to 0.031 but attacked with 0.03137"),
                paper.remarks().toString());
        assertEquals(List.of(), plan(StudyConfigTest.SMALL).remarks());
    }

    @Test
    void partsShareTheRunsOutWithoutRemainder() {
        List<PlannedRun> runs = plan(StudyConfigTest.SMALL).runs();
        List<PlannedRun> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            List<PlannedRun> mine = new Shard(i, 4, "").of(runs);
            assertTrue(mine.size() == 1 || mine.size() == 2);
            all.addAll(mine);
        }
        assertEquals(runs.size(), all.stream().distinct().count());
        assertEquals(runs.size(), all.size());
        assertEquals(runs, Shard.WHOLE.of(runs));
    }

    private static Shard shard(Map<String, String> environment) {
        return Shard.of(OptionalInt.empty(), OptionalInt.empty(), environment);
    }

    @Test
    void slurmAndKubernetesSayThePart() {
        assertEquals(Shard.WHOLE, shard(Map.of()));
        Shard slurm = shard(Map.of("SLURM_ARRAY_TASK_ID", "7", "SLURM_ARRAY_TASK_MIN", "5", "SLURM_ARRAY_TASK_COUNT", "4"));
        assertEquals(2, slurm.index());
        assertEquals(4, slurm.of());
        assertEquals("part 3 of 4 (the Slurm job array)", slurm.toString());
        assertEquals(1, shard(Map.of("SLURM_ARRAY_TASK_ID", "2", "SLURM_ARRAY_TASK_MIN", "0", "SLURM_ARRAY_TASK_STEP", "2",
                "SLURM_ARRAY_TASK_COUNT", "4")).index());
        Shard job = shard(Map.of("JOB_COMPLETION_INDEX", "3", "JOB_COMPLETIONS", "8"));
        assertEquals(3, job.index());
        assertEquals(8, job.of());
        Shard said = Shard.of(OptionalInt.of(0), OptionalInt.of(2), Map.of("JOB_COMPLETION_INDEX", "3"));
        assertEquals(2, said.of(), "options go before variables");
    }

    /// `--array=1,4,6,7`: by numbers, task 6 would be part 6 of 4, and nobody would do parts 2 and 3.
    @Test
    void aJobArrayWithGapsSharesTheWholeStudyOut() {
        for (String task : List.of("1", "4", "6", "7")) {
            Shard shard = shard(Map.of("SLURM_ARRAY_TASK_ID", task, "SLURM_ARRAY_TASK_MIN", "1", "SLURM_ARRAY_TASK_MAX", "7",
                    "SLURM_ARRAY_TASK_STEP", "1", "SLURM_ARRAY_TASK_COUNT", "4"));
            assertEquals(1, shard.of(), task);
            assertTrue(shard.notice().contains("has gaps (4 tasks from 1 to 7)"), shard.notice());
        }
        assertEquals(1, shard(Map.of("SLURM_ARRAY_TASK_ID", "9", "SLURM_ARRAY_TASK_MIN", "1", "SLURM_ARRAY_TASK_COUNT", "4")).of());
        Shard regular = shard(Map.of("SLURM_ARRAY_TASK_ID", "5", "SLURM_ARRAY_TASK_MIN", "1", "SLURM_ARRAY_TASK_MAX", "7",
                "SLURM_ARRAY_TASK_STEP", "2", "SLURM_ARRAY_TASK_COUNT", "4"));
        assertEquals(2, regular.index());
        assertEquals("", regular.notice());
    }

    @Test
    void halfOfAPartIsRefused() {
        assertTrue(message(() -> Shard.of(OptionalInt.of(0), OptionalInt.empty(), Map.of())).contains("give both"));
        assertTrue(message(() -> shard(Map.of("JOB_COMPLETION_INDEX", "3")))
                .contains("JOB_COMPLETIONS: expected a number, but it is not set"));
        assertTrue(message(() -> shard(Map.of("SLURM_ARRAY_TASK_ID", "x"))).contains("got 'x'"));
        assertTrue(message(() -> Shard.of(OptionalInt.of(4), OptionalInt.of(4), Map.of())).contains("index 4 of 4"));
    }

    private static String message(Executable work) {
        return String.valueOf(assertThrows(UserError.class, work).getMessage());
    }

    @Test
    void strengthsAreWrittenAsPeopleWriteThem() {
        assertEquals(List.of("1e-5", "0.001", "2", "1.5", "100", "0", "2.5e-4", "-0.5"),
                List.of(1e-5, 1e-3, 2.0, 1.5, 100.0, 0.0, 2.5e-4, -0.5).stream().map(value -> new Strength(value).toString()).toList());
    }
}
