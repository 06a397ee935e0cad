package dev.normlab.experiments.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {

    @TempDir
    Path folder;

    static RunInfo info(String name, String started) {
        return new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, name, "train --method " + name, Instant.parse(started), "vgg11", "synthetic",
                name, 7, 3, 4000,
                1000, Map.of("lr", "0.01"), Map.of("java", "25"));
    }

    static MetricsLine metrics(int epoch) {
        return new MetricsLine(epoch, epoch * 31L, 0.01, 1.0 / epoch, 0.5, 0.25, 0.9 / epoch, 0.6, 123.5, 8.25, 1000.5, 2.5 * epoch);
    }

    static NormLine norm(int epoch, String layer) {
        return new NormLine(epoch, layer, "conv", 10.5 + epoch, 3.25);
    }

    private void append(String file, String text) throws IOException {
        Files.writeString(folder.resolve(file), text, StandardOpenOption.APPEND);
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        RunFolder run = RunFolder.create(folder.resolve("a/b"), info("nd-l1", "2026-01-02T03:04:05Z"));
        try (LineWriter<MetricsLine> writer = run.appendMetrics(-1); LineWriter<NormLine> norms = run.appendNorms(-1)) {
            norms.write(List.of(norm(0, "features.0"), norm(0, "classifier")));
            writer.write(metrics(1));
            norms.write(norm(1, "features.0"));
            writer.write(metrics(2));
            writer.sync();
        }
        RunResult result = new RunResult(RunResult.Status.FINISHED, "", 2, 5, RunResult.Score.of(1000, 812, 0.6),
                List.of(RunResult.AttackScore.of("pgd-20", "linf", 8 / 255.0, 500, 61, 12.5)));
        run.writeResult(result);
        RunFolder.Contents contents = RunFolder.open(folder.resolve("a/b")).read();
        assertEquals(info("nd-l1", "2026-01-02T03:04:05Z"), contents.info());
        assertEquals(List.of(metrics(1), metrics(2)), contents.metrics());
        assertEquals(List.of(norm(0, "features.0"), norm(0, "classifier"), norm(1, "features.0")), contents.norms());
        assertEquals(result, contents.result().orElseThrow());
        assertEquals(List.of(), contents.remarks());
    }

    @Test
    void theKeysAreThoseOfTheDocumentedFormats() throws IOException {
        assertEquals("{\"epoch\":1,\"step\":31,\"lr\":0.01,\"loss\":1.0,\"accuracy\":0.5,"
                + "\"robust_accuracy\":0.25,\"test_loss\":0.9,\"test_accuracy\":0.6,"
                + "\"norm_sum_l1\":123.5,\"norm_sum_l1_bn\":8.25,\"images_per_second\":1000.5,\"seconds\":2.5}", Json.line(metrics(1)));
        assertEquals("{\"epoch\":0,\"layer\":\"features.0\",\"kind\":\"conv\",\"l1\":10.5,\"linf\":3.25}", Json.line(norm(0,
                "features.0")));
        String result = Json.document(new RunResult(RunResult.Status.DIVERGED, "NaN in features.0", 1, 2, null,
                List.of(RunResult.AttackScore.of("fgsm", "linf", 0.5, 4, 1, 0.1))));
        for (String part : List.of("\"status\" : \"diverged\"", "\"clean\" : null", "\"robust_accuracy\" : 0.25", "\"eps\" : 0.5")) {
            assertTrue(result.contains(part), part + " in " + result);
        }
        String info = Json.document(info("plain", "2026-01-02T03:04:05Z"));
        for (String part : List.of("\"format\" : \"normlab-run\"", "\"started\" : \"2026-01-02T03:04:05Z\"", "\"train_images\" : 4000")) {
            assertTrue(info.contains(part), part + " in " + info);
        }
    }

    @Test
    void valuesThatAreNotFiniteAreNullInTheFileAndNaNAfterReading() throws IOException {
        NormLine line = new NormLine(1, "a", "bn", Double.POSITIVE_INFINITY, Double.NaN);
        String text = Json.line(line);
        assertTrue(text.contains("\"l1\":null,\"linf\":null"), text);
        NormLine back = Json.read(text, NormLine.class, folder, 0);
        assertTrue(Double.isNaN(back.l1()) && Double.isNaN(back.linf()));
    }

    @Test
    void anUnfinishedLastLineIsLeftOutAndSaid() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        try (LineWriter<MetricsLine> writer = run.appendMetrics(-1)) {
            writer.write(List.of(metrics(1), metrics(2)));
        }
        append(RunFolder.METRICS_FILE, "{\"epoch\":3,\"step\":9");
        RunFolder.Contents contents = run.read();
        assertEquals(2, contents.metrics().size());
        assertEquals(1, contents.remarks().size());
        assertTrue(contents.remarks().getFirst().contains("metrics.jsonl (line 3) is unfinished"), contents.remarks().getFirst());
        assertTrue(contents.result().isEmpty());
    }

    @Test
    void aBrokenLineInTheMiddleIsAnErrorThatNamesFileAndLine() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        Files.writeString(folder.resolve(RunFolder.NORMS_FILE), Json.line(norm(0, "a")) + "\n{\"epoch\":\n" + Json.line(norm(1, "a"))
                + "\n");
        String message = assertThrows(IOException.class, run::read).getMessage();
        assertTrue(message.contains("norms.jsonl, line 2: "), message);
    }

    @Test
    void unknownMissingRepeatedAndMistypedKeysAreErrors() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        String good = Json.line(norm(0, "a"));
        for (String bad : List.of(good.replace("\"kind\"", "\"sort\""), good.replace(",\"linf\":3.25", ""), good.replace("}", ",\"l1\":1}"),
                good.replace("10.5", "\"much\""), good.replace("\"epoch\":0", "\"epoch\":null"), good + "{}", "null", "[]")) {
            Files.writeString(folder.resolve(RunFolder.NORMS_FILE), bad + "\n");
            String message = assertThrows(IOException.class, run::read, bad).getMessage();
            assertTrue(message.contains("norms.jsonl, line 1: "), message);
        }
    }

    @Test
    void metricsOfVersionsWithoutAdversarialTrainingHaveNoRobustAccuracy() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        Files.writeString(folder.resolve(RunFolder.METRICS_FILE), Json.line(metrics(1)).replace("\"robust_accuracy\":0.25,", "") + "\n");
        assertTrue(Double.isNaN(run.read().metrics().getFirst().robustAccuracy()));
        Files.writeString(folder.resolve(RunFolder.METRICS_FILE), Json.line(metrics(1)).replace("\"accuracy\":0.5,", "") + "\n");
        assertThrows(IOException.class, run::read, "other keys are still asked for");
    }

    @Test
    void resumingDropsTheLinesAfterTheCheckpoint() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        try (LineWriter<MetricsLine> writer = run.appendMetrics(-1)) {
            writer.write(List.of(metrics(1), metrics(2), metrics(3)));
        }
        append(RunFolder.METRICS_FILE, "{\"epo");
        try (LineWriter<MetricsLine> writer = run.appendMetrics(2)) {
            writer.write(metrics(3));
        }
        RunFolder.Contents contents = run.read();
        assertEquals(List.of(metrics(1), metrics(2), metrics(3)), contents.metrics());
        assertEquals(List.of(), contents.remarks());
        run.appendMetrics(-1).close();
        assertEquals(List.of(), run.read().metrics());
    }

    @Test
    void aLastLineWithoutItsLineBreakIsCompletedBeforeAppending() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        Files.writeString(folder.resolve(RunFolder.NORMS_FILE), Json.line(norm(0, "a")));
        try (LineWriter<NormLine> writer = run.appendNorms(0)) {
            writer.write(norm(1, "a"));
        }
        assertEquals(List.of(norm(0, "a"), norm(1, "a")), run.read().norms());
    }

    @Test
    void runsAreFoundInTheOrderOfTheirStart() throws IOException {
        RunFolder.create(folder.resolve("a"), info("second", "2026-01-02T03:04:05.5Z"));
        RunFolder.create(folder.resolve("b"), info("first", "2026-01-02T03:04:05Z"));
        Files.createDirectories(folder.resolve("c"));
        assertEquals(List.of("first", "second"), RunFolder.readAll(folder).stream().map(run -> run.info().name()).toList());
        assertEquals(1, RunFolder.readAll(folder.resolve("a")).size());
        String message = assertThrows(IOException.class, () -> RunFolder.readAll(folder.resolve("c"))).getMessage();
        assertTrue(message.contains("no run folder"), message);
    }

    @Test
    void whoNamesNoFolderLearnsWhatMakesOne() throws IOException {
        String absent = assertThrows(IOException.class, () -> RunFolder.readAll(folder.resolve("absent"))).getMessage();
        assertTrue(absent.startsWith("there is no folder ") && absent.contains("train --out"), absent);
        Path file = Files.createFile(folder.resolve("file"));
        String wrong = assertThrows(IOException.class, () -> RunFolder.readAll(file)).getMessage();
        assertTrue(wrong.contains("is a file"), wrong);
        assertTrue(assertThrows(IOException.class, () -> RunFolder.open(file)).getMessage().endsWith("it is a file"));
        String run = assertThrows(IOException.class, () -> RunFolder.open(folder.resolve("absent"))).getMessage();
        assertTrue(run.contains("there is no such folder; train --out DIR makes one"), run);
    }

    @Test
    void runsAreFoundTwoLevelsDeepButNotInsideARun() throws IOException {
        RunFolder.create(folder.resolve("plain/0"), info("deep", "2026-01-02T03:04:06Z"));
        RunFolder.create(folder.resolve("plain/0/inner"), info("inner", "2026-01-02T03:04:05Z"));
        RunFolder.create(folder.resolve("wd"), info("shallow", "2026-01-02T03:04:05Z"));
        RunFolder.create(folder.resolve("x/y/z"), info("too deep", "2026-01-02T03:04:05Z"));
        RunFolder.create(folder.resolve(".hidden"), info("hidden", "2026-01-02T03:04:05Z"));
        assertEquals(List.of("shallow", "deep"), RunFolder.readAll(folder).stream().map(run -> run.info().name()).toList());
    }

    @Test
    void attacksAreAddedToAResultAndRepeatedOnesReplaced() throws IOException {
        RunFolder run = RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        RunResult.AttackScore weak = RunResult.AttackScore.of("fgsm", "linf", 0.5, 100, 40, 1);
        assertFalse(run.addAttacks(List.of(weak)), "there is no result yet");
        run.writeResult(new RunResult(RunResult.Status.FINISHED, "", 3, 9.5, RunResult.Score.of(100, 80, 0.5), List.of(weak)));
        RunResult.AttackScore again = RunResult.AttackScore.of("fgsm", "linf", 0.5, 100, 30, 2);
        RunResult.AttackScore other = RunResult.AttackScore.of("fgsm", "linf", 0.5, 50, 20, 1);
        assertTrue(run.addAttacks(List.of(other, again)));
        assertEquals(List.of(again, other), run.read().result().orElseThrow().attacks());
        assertEquals(80, run.read().result().orElseThrow().clean().correct());
    }

    @Test
    void aSecondRunInTheSameFolderAndAForeignFormatAreRefused() throws IOException {
        RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z"));
        assertThrows(IOException.class, () -> RunFolder.create(folder, info("plain", "2026-01-02T03:04:05Z")));
        Path file = folder.resolve(RunFolder.INFO_FILE);
        Files.writeString(file, Files.readString(file).replace("\"version\" : 1", "\"version\" : 2"));
        String message = assertThrows(IOException.class, () -> RunFolder.open(folder).readInfo()).getMessage();
        assertTrue(message.contains("expected format normlab-run version 1"), message);
        assertThrows(IOException.class, () -> RunFolder.open(folder.resolve("missing")));
    }

    @Test
    void scoresMustBePossible() {
        assertThrows(IllegalArgumentException.class, () -> RunResult.Score.of(0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new RunResult.Score(10, 5, 0.6, 0));
        assertThrows(IllegalArgumentException.class, () -> RunResult.AttackScore.of("pgd", "linf", 0.1, 5, 6, 1));
        assertFalse(RunResult.Score.of(3, 1, Double.NaN).accuracy() == 0);
    }

    /// The examples in `docs/run-folder.md`, read with the product's reader, so that the page cannot go stale.
    @Test
    void theExamplesOfTheDocumentationAreReadable() throws IOException {
        Path page = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        while (Files.notExists(page.resolve("docs/run-folder.md"))) {
            page = page.getParent();
        }
        String[] parts = Files.readString(page.resolve("docs/run-folder.md")).split("```");
        assertEquals("nd-l1", Json.read(parts[1].substring(4), RunInfo.class, page, 0).name());
        assertEquals("512", Json.read(parts[3].substring(4), ProvenanceLine.class, page, 0).provenance().get("vector_bits"));
        assertEquals(0.55, Json.read(parts[5].substring(4), MetricsLine.class, page, 0).testAccuracy());
        assertEquals("features.0", Json.read(parts[7].substring(4), NormLine.class, page, 0).layer());
        assertEquals(60, Json.read(parts[9].substring(4), RunResult.class, page, 0).attacks().getFirst().correct());
    }
}
