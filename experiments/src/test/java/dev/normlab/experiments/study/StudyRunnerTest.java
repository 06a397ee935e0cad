package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunLog;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a study does when something is in its way: another process, damaged files, errors that nobody expects. The runs take a second.
class StudyRunnerTest {

    private static final StudyPlan PLAN = StudyPlan.of(StudyConfig.of(ConfigTree.parse(StudyConfigTest.SMALL.replace("seeds: 2", "seeds: 1")
            .replace("epochs: 2", "epochs: 1").replace("[1e-3, 1e-2]", "[1e-3]"), "study.yaml")));
    private static final PlannedRun PLAIN = PLAN.runs().getFirst();

    @TempDir
    private Path path = Path.of("");

    /// What is told, as it is told.
    private static final class Told extends ByteArrayOutputStream {

        String text() {
            return toString(StandardCharsets.UTF_8);
        }

        Progress progress(@Nullable String broken) {
            return new Progress(new PrintStream(this, true, StandardCharsets.UTF_8) {

                @Override
                public void println(@Nullable String text) {
                    if (broken != null && String.valueOf(text).contains(broken)) {
                        throw new IllegalStateException("no room for words");
                    }
                    super.println(text);
                }
            }, false, false);
        }
    }

    private StudyFolder folder() {
        return new StudyFolder(path);
    }

    private StudyRunner.Result study(Told told, @Nullable String broken) throws IOException {
        try (Device device = Device.cpu(1)) {
            return new StudyRunner(PLAN, folder(), Shard.WHOLE, device, told.progress(broken), "experiment small.yaml").run();
        }
    }

    private StudyRun.Outcome plain(Progress progress) throws IOException {
        try (Device device = Device.cpu(1)) {
            return new StudyRun(PLAN.config(), PLAIN, folder(), DataSource.load(PLAN.config().data()), device, progress, "experiment")
                    .execute();
        }
    }

    private Path file(String name) {
        return folder().of(PLAIN).resolve(name);
    }

    /// Run folders of earlier versions do not say what clipping limits.
    @Test
    void aRunOfAnEarlierVersionIsKnownWithWhatItDidNotSay() throws IOException {
        StudyPlan plan = StudyPlan.of(StudyConfig.of(ConfigTree.parse(StudyConfigTest.SMALL.replace("base: plain}", "base: svc}")
                .replace("epochs: 2", "epochs: 1"), "study.yaml")));
        PlannedRun clipped = plan.runs().getFirst();
        try (Device device = Device.cpu(1)) {
            StudyRun run = new StudyRun(plan.config(), clipped, folder(), DataSource.load(plan.config().data()), device,
                    new Told().progress(null), "experiment");
            assertEquals(StudyRun.Outcome.DONE, run.execute());
            Path info = folder().of(clipped).resolve(RunFolder.INFO_FILE);
            String written = Files.readString(info);
            String older = written.replaceAll("\\s*\"svc_as\"\\s*:\\s*\"circular\",", "");
            assertTrue(older.length() < written.length(), written);
            Files.writeString(info, older);
            assertEquals(StudyRun.Outcome.KNOWN, run.execute());
        }
    }

    /// As when a killed machine's locks are held for a while by the file server.
    @Test
    void aRunThatAnotherProcessHoldsIsWaitedForAndDoneWhenThatOneLetsGo() throws Exception {
        Told told = new Told();
        AtomicBoolean ended = new AtomicBoolean();
        FolderLock other = new FolderLock(folder().of(PLAIN));
        other.acquire();
        Thread dying = new Thread(() -> {
            try {
                while (!told.text().contains("waiting for ") && !ended.get()) {
                    Thread.sleep(10);
                }
                other.close();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        dying.start();
        StudyRunner.Result result = study(told, null);
        ended.set(true);
        dying.join();
        assertEquals(2, result.done(), told.text());
        assertFalse(result.interrupted());
        assertTrue(folder().read(PLAIN).filter(PLAN.config()::isComplete).isPresent(), "all runs of the part are done");
        assertTrue(told.text().contains("waiting for " + PLAIN.folder() + ", which process " + ProcessHandle.current().pid() + " on "),
                told.text());
        assertEquals(1, told.text().lines().filter(line -> line.startsWith("waiting for ")).count(), told.text());
    }

    @Test
    void anErrorThatNobodyExpectsEndsOneRunOnly() throws IOException {
        Told told = new Told();
        StudyRunner.Result result = study(told, "plain (seed 1 of 1)  clean");
        assertEquals(List.of(PLAIN.folder() + ": java.lang.IllegalStateException: no room for words (log.txt in its folder says where)"),
                result.failed());
        assertEquals(1, result.done(), told.text());
        assertTrue(told.text().contains("failed: " + PLAIN.folder()), told.text());
    }

    @Test
    void theTraceOfAnErrorIsInTheLogOfTheRun() throws IOException {
        Progress broken = new Told().progress(null).ofPiece(() -> {
            throw new IllegalStateException("no prefix");
        });
        assertThrows(IllegalStateException.class, () -> plain(broken));
        String log = Files.readString(file(RunLog.FILE));
        assertTrue(log.contains("failed: java.lang.IllegalStateException: no prefix") && log.contains("\tat "), log);
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)), "it goes on when what was wrong is gone");
    }

    @ParameterizedTest
    @ValueSource(strings = {RunFolder.INFO_FILE, RunFolder.RESULT_FILE, RunFolder.METRICS_FILE})
    void aRunFolderThatCannotBeReadFailsAlone(String name) throws IOException {
        StudyRun.Outcome outcome = plain(new Told().progress(null));
        assertEquals(StudyRun.Outcome.DONE, outcome);
        Files.writeString(file(name), "{\"epoch\": \n}\n");
        Told told = new Told();
        StudyRunner.Result result = study(told, null);
        assertEquals(1, result.done(), told.text());
        assertEquals(1, result.failed().size(), told.text());
        assertTrue(result.failed().getFirst().startsWith(PLAIN.folder() + ": ") && result.failed().getFirst().contains(name),
                result.failed().toString());
    }

    /// A run folder as it is when training has ended and the attack has not.
    private void forgetTheAttack() throws IOException {
        String result = Files.readString(file(RunFolder.RESULT_FILE));
        Files.writeString(file(RunFolder.RESULT_FILE), result.replaceFirst("(?s)\"attacks\" : \\[.*]", "\"attacks\" : []"));
        assertTrue(folder().read(PLAIN).filter(PLAN.config()::isComplete).isEmpty());
    }

    @Test
    void aStateOfAnAttackThatIsOfNoUseIsRemoved() throws IOException {
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)));
        String before = Files.readString(file(RunFolder.RESULT_FILE)).replaceAll("\"seconds\" : .*", "");
        for (String content : List.of("", "garbage", "PK garbage of some length")) {
            forgetTheAttack();
            Files.writeString(file(StudyRun.ATTACK_STATE), content);
            assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)), content);
            assertFalse(Files.exists(file(StudyRun.ATTACK_STATE)));
            assertTrue(Files.readString(file(RunLog.FILE)).contains("the state of the attack is of no use and is removed"));
            assertEquals(before, Files.readString(file(RunFolder.RESULT_FILE)).replaceAll("\"seconds\" : .*", ""));
        }
    }

    /// The time between the last epoch and the interruption counts, and a new machine is recorded.
    @Test
    void aRunThatGoesOnKeepsItsTimeAndRecordsWhatIsDifferent() throws IOException {
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)));
        assertFalse(Files.exists(file(RunFolder.PROVENANCE_FILE)));
        forgetTheAttack();
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)));
        assertFalse(Files.exists(file(RunFolder.PROVENANCE_FILE)), "it went on where it was begun");
        forgetTheAttack();
        String result = Files.readString(file(RunFolder.RESULT_FILE));
        Files.writeString(file(RunFolder.RESULT_FILE), result.replaceFirst("\"seconds\" : [^,]*", "\"seconds\" : 1000.0"));
        String info = Files.readString(file(RunFolder.INFO_FILE));
        Files.writeString(file(RunFolder.INFO_FILE), info.replaceFirst("\"threads\" : \"1\"", "\"threads\" : \"64\""));
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)));
        RunFolder.Contents contents = folder().read(PLAIN).orElseThrow();
        assertTrue(contents.result().orElseThrow().seconds() >= 1000, contents.toString());
        assertEquals("64", contents.info().provenance().get("threads"));
        assertEquals(1, contents.later().size());
        assertEquals("1", contents.later().getFirst().provenance().get("threads"));
        try (Device device = Device.cpu(1)) {
            int bits = device.kernels().vectorBits();
            assertEquals(bits == 0 ? null : Integer.toString(bits), contents.info().provenance().get("vector_bits"));
            assertEquals(device.computes().equals("vector"), bits >= 64);
        }
    }

    /// What a run tells of its epochs and of the share of its attacks.
    private record Heard(List<Double> epochs, List<Double> shares) implements StudyRun.Listener {

        @Override
        public void trained(double count) {
            epochs.add(count);
        }

        @Override
        public void attacked(double share) {
            shares.add(share);
        }
    }

    private Heard heard() throws IOException {
        Heard heard = new Heard(new ArrayList<>(), new ArrayList<>());
        try (Device device = Device.cpu(1)) {
            assertEquals(StudyRun.Outcome.DONE, new StudyRun(PLAN.config(), PLAIN, folder(), DataSource.load(PLAN.config().data()), device,
                    new Told().progress(null), "experiment").tellingTo(heard).execute());
        }
        assertEquals(0, heard.shares.getFirst());
        assertEquals(1, heard.shares.getLast());
        assertEquals(heard.shares.stream().sorted().toList(), heard.shares, "attacks go forward");
        // 4 gradients of APGD-CE and 8 of APGD-T for two targets
        assertTrue(heard.shares.contains(4 / 12.0) && heard.shares.contains(8 / 12.0), heard.shares.toString());
        return heard;
    }

    @Test
    void aRunTellsHowFarItIsWhereItGoesOn() throws IOException {
        assertEquals(List.of(0.0, 0.25, 0.5, 0.75, 1.0, 1.0), heard().epochs);
        forgetTheAttack();
        assertEquals(List.of(1.0), heard().epochs, "all is trained, as an earlier process left it");
    }

    @Test
    void nothingOfAnEarlierRunSurvivesAFreshStart() throws IOException {
        List<String> names = List.of("checkpoint.safetensors", "best.safetensors", "weights.safetensors", "norms.safetensors",
                StudyRun.ATTACK_STATE, RunFolder.RESULT_FILE, RunFolder.METRICS_FILE, RunFolder.NORMS_FILE);
        Files.createDirectories(file("."));
        for (String name : names) {
            Files.writeString(file(name), "of another run");
        }
        Progress broken = new Told().progress(null).ofPiece(() -> {
            throw new UncheckedIOException(new IOException("the machine goes down"));
        });
        assertThrows(IOException.class, () -> plain(broken));
        assertTrue(Files.exists(file(RunFolder.INFO_FILE)), "the run has begun");
        try (Stream<Path> left = Files.list(file("."))) {
            for (Path one : left.toList()) {
                assertFalse(Files.readString(one, StandardCharsets.ISO_8859_1).contains("of another run"), one.toString());
            }
        }
        assertEquals(StudyRun.Outcome.DONE, plain(new Told().progress(null)));
    }
}
