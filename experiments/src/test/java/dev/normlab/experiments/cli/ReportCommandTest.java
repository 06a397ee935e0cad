package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.LineWriter;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {

    @TempDir
    private Path folder = Path.of("");

    @Test
    void pathsAreToldWithoutDetours() throws IOException {
        RunFolder.create(folder.resolve("runs/a"), new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "plain", "train", Instant.EPOCH, "vgg11",
                "synthetic", "plain", 0, 1, 40, 20, Map.of(), Map.of()));
        Files.createDirectories(folder.resolve("elsewhere"));
        Output output = Output.of("report", folder.resolve("elsewhere/../runs").toString(), "--figures",
                folder.resolve("elsewhere/../figures").toString());
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("report: " + folder.resolve("runs/report.html")), output.out());
        assertTrue(output.out().contains(" figures in " + folder.resolve("figures")), output.out());
        assertTrue(Files.exists(folder.resolve("runs/report.html")));
    }

    /// Tables and the page's figures come as files, as those of a study do; norms on further axes only where a folder is given for them.
    @Test
    void runsHaveTablesAndFiguresAsFiles() throws IOException {
        run("a", "plain", "vgg11", 5);
        run("b", "nd-l1", "vgg11", 3);
        assertEquals(0, Output.of("report", folder.toString(), "--quiet").code());
        assertEquals(List.of("epochs.csv", "epochs.md", "epochs.tex", "layers.csv", "layers.md", "layers.tex", "provenance.csv",
                "provenance.md", "provenance.tex", "results.csv", "results.md", "results.tex", "settings.csv", "settings.md",
                "settings.tex"),
                names("tables"));
        List<String> figures = names("figures");
        assertTrue(figures.containsAll(List.of("accuracy.svg", "accuracy.png", "accuracy-over-size-pgd-20-linf.svg", "test-accuracy.png",
                "training-loss.svg", "norm-sum.svg", "norm-sum-bn.svg", "density-l1.png", "layers-linf.svg")), figures.toString());
        assertFalse(figures.contains("sum-l1-all-log.svg"), figures.toString());

        List<String> results = Files.readAllLines(folder.resolve("tables/results.csv"));
        assertEquals("run,epochs,clean: accuracy,clean: low,clean: high,clean: images,"
                + "\"under pgd-20, linf 8/255: accuracy\",\"under pgd-20, linf 8/255: low\",\"under pgd-20, linf 8/255: high\","
                + "\"under pgd-20, linf 8/255: images\",\"under pgd-20, linf 4/255: accuracy\",\"under pgd-20, linf 4/255: low\","
                + "\"under pgd-20, linf 4/255: high\",\"under pgd-20, linf 4/255: images\","
                + "l1_sum_conv_linear,relative_to,l1_sum_ratio,l1_sum_bn,largest_l1,seconds", results.getFirst());
        assertTrue(results.getLast().startsWith("nd-l1,1,0.6,0.38658") && results.getLast().contains(",20,0.3,")
                && results.getLast().endsWith(",3,plain,0.6,0,3,2"), results.getLast());
        assertTrue(Files.readString(folder.resolve("tables/results.md")).contains("| 60.0% | 38.7% to 78.1% |"),
                Files.readString(folder.resolve("tables/results.md")));

        Output told = Output.of("report", folder.toString(), "--figures", folder.resolve("f").toString(), "--tables",
                folder.resolve("t").toString());
        assertTrue(told.out().contains("5 tables in " + folder.resolve("t")), told.out());
        assertTrue(names("f").containsAll(figures) && names("f").contains("sum-l1-all-log.svg"), names("f").toString());
        assertTrue(names("t").contains("results.tex"));
    }

    @Test
    void runsOfDifferentModelsHaveFilesOfTheirOwn() throws IOException {
        run("a", "plain", "vgg11", 5);
        run("b", "plain", "resnet18", 3);
        assertEquals(0, Output.of("report", folder.toString(), "--quiet").code());
        assertTrue(names("tables").containsAll(List.of("group-1-layers.csv", "group-2-layers.csv", "results.csv")));
        assertTrue(names("figures").containsAll(List.of("group-1-accuracy.png", "group-2-density-l1.svg")));
    }

    @Test
    void whatAFinishedRunSaysAndWhereItBeganAreToldAndAFolderNamedAsItsRunNeedsNoSuffix() throws IOException {
        run("plain", "plain", "vgg11", 5, Map.of(), "batch norm's running statistics have seen 4 training steps only");
        run("other", "plain", "vgg11", 3, Map.of("init", "runs/plain/best.safetensors"), "");
        assertEquals(0, Output.of("report", folder.toString(), "--quiet").code());
        String page = Files.readString(folder.resolve("report.html"));
        assertTrue(page.contains("plain: batch norm&#39;s running statistics have seen 4 training steps only."), page);
        assertTrue(page.contains("plain (other): The run began from the weights in runs/plain/best.safetensors, and not from random ones."),
                page);
        assertFalse(page.contains("plain (plain)"), page);
    }

    private void run(String name, String method, String model, double norm) throws IOException {
        run(name, method, model, norm, Map.of(), "");
    }

    private void run(String name, String method, String model, double norm, Map<String, String> settings, String message)
            throws IOException {
        RunFolder made = RunFolder.create(folder.resolve(name), new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, method, "train", Instant.EPOCH,
                model, "synthetic", method, 0, 1, 40, 20, settings, Map.of()));
        try (LineWriter<MetricsLine> metrics = made.appendMetrics(-1); LineWriter<NormLine> norms = made.appendNorms(-1)) {
            metrics.write(new MetricsLine(1, 4, 0.05, 1, 0.5, Double.NaN, 1, 0.5, norm, 0, 100, 1));
            norms.write(List.of(new NormLine(1, "features.0", "conv", norm, norm)));
        }
        made.writeResult(new RunResult(RunResult.Status.FINISHED, message, 1, 2, RunResult.Score.of(20, 12, 1),
                List.of(RunResult.AttackScore.of("pgd-20", "linf", 8 / 255.0, 20, 6, 1),
                        RunResult.AttackScore.of("pgd-20", "linf", 4 / 255.0, 20, 9, 1))));
    }

    private List<String> names(String path) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(path))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
