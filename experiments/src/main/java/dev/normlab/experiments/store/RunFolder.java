package dev.normlab.experiments.store;

import dev.normlab.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The folder of one training run. Four of its files are JSON, for people and other programs to read:
///
/// - `run.json`, written once at the start: what the run is, [RunInfo];
/// - `metrics.jsonl`, one line per epoch: [MetricsLine];
/// - `norms.jsonl`, one line per layer and epoch, from epoch 0 (before training): [NormLine];
/// - `result.json`, written once at the end: what came out, [RunResult].
///
/// A fifth is there only if the run went on elsewhere or with something else: `provenance.jsonl`, [ProvenanceLine].
///
/// Keys are the components' names in snake_case (`test_accuracy`, `norm_sum_l1`); all are always there, others are refused; numbers that
/// are not finite are `null`. Documents are written atomically. The `.jsonl` files grow line by line; a crash can leave their last line
/// unfinished, which readers leave out and say so. A resumed run first cuts them to its checkpoint's epoch, so that no epoch appears twice.
public final class RunFolder {

    /// The name of the file that makes a folder a run folder.
    public static final String INFO_FILE = "run.json";
    /// The name of the file of metrics.
    public static final String METRICS_FILE = "metrics.jsonl";
    /// The name of the file of norms.
    public static final String NORMS_FILE = "norms.jsonl";
    /// The name of the file with later provenances.
    public static final String PROVENANCE_FILE = "provenance.jsonl";
    /// The name of the file of results.
    public static final String RESULT_FILE = "result.json";

    /// How many folders deep [#readAll] looks for runs.
    private static final int DEPTH = 2;

    private final Path path;

    private RunFolder(Path path) {
        this.path = path;
    }

    /// Everything that the JSON files of a run folder hold.
    ///
    /// @param path the folder
    /// @param info what the run is
    /// @param metrics the metrics, one line per epoch
    /// @param norms the norms, one line per layer and epoch
    /// @param result what came out, or nothing if the run has not ended
    /// @param later where and with what the run went on later, where that differs from before
    /// @param remarks what was left out while reading, as sentences
    public record Contents(Path path, RunInfo info, List<MetricsLine> metrics, List<NormLine> norms, Optional<RunResult> result,
            List<ProvenanceLine> later, List<String> remarks) {

        /// Copies the lists.
        public Contents {
            metrics = List.copyOf(metrics);
            norms = List.copyOf(norms);
            later = List.copyOf(later);
            remarks = List.copyOf(remarks);
        }
    }

    /// Fails if a folder holds a run.
    ///
    /// @throws FileAlreadyExistsException if it does
    public static void requireNone(Path path) throws FileAlreadyExistsException {
        requireNone(path, "train --resume --out " + path);
    }

    /// Fails if a folder holds a run.
    ///
    /// @param resume the command that goes on with it
    /// @throws FileAlreadyExistsException if it does
    public static void requireNone(Path path, String resume) throws FileAlreadyExistsException {
        if (Files.exists(path.resolve(INFO_FILE))) {
            throw new FileAlreadyExistsException(path + " already holds a run: go on with it by " + resume + ", or choose another folder");
        }
    }

    /// Makes the folder, where it does not exist yet, and starts a run in it.
    ///
    /// @throws FileAlreadyExistsException if the folder already holds a run
    /// @throws IOException if the folder cannot be made or written
    public static RunFolder create(Path path, RunInfo info) throws IOException {
        requireNone(path);
        makeFolder(path);
        AtomicFile.writeText(path.resolve(INFO_FILE), Json.document(info));
        return new RunFolder(path);
    }

    /// Makes a folder where there is none.
    ///
    /// @throws IOException if it cannot be made, with a message that says why
    static void makeFolder(Path path) throws IOException {
        try {
            Files.createDirectories(path);
        } catch (FileSystemException e) {
            throw new IOException("cannot make the run folder " + path + ": " + reason(e), e);
        }
    }

    private static String reason(FileSystemException e) {
        if (e.getReason() != null) {
            return e.getFile() + ": " + e.getReason();
        }
        boolean file = e.getFile() != null && Files.isRegularFile(Path.of(e.getFile()));
        return file ? e.getFile() + " is a file" : "the system lets no folder be made at " + e.getFile();
    }

    /// An existing run folder.
    ///
    /// @throws IOException if the folder holds no run
    public static RunFolder open(Path path) throws IOException {
        if (!Files.isRegularFile(path.resolve(INFO_FILE))) {
            throw new IOException(path + " is not a run folder: "
                    + (Files.exists(path)
                            ? Files.isDirectory(path) ? "it has no " + INFO_FILE + ", which train writes" : "it is a file"
                            : "there is no such folder; train --out DIR makes one"));
        }
        return new RunFolder(path);
    }

    /// The run folders at `path`: itself if it is one, else those inside, up to two levels deep and none inside another, in the order in
    /// which the runs started.
    ///
    /// @throws IOException if there is none, or one cannot be read
    public static List<Contents> readAll(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            throw new IOException(Files.exists(path)
                    ? path + " is a file; a report takes a folder of runs, as train and experiment make them"
                    : "there is no folder " + path
                            + "; train --out makes a run folder, experiment --out a folder of them, and quickstart makes runs/quickstart");
        }
        List<Path> folders = new ArrayList<>();
        find(path, DEPTH, folders);
        if (folders.isEmpty()) {
            throw new IOException(
                    "there is no run folder at " + path + ": neither it nor a folder inside, two levels deep, has a " + INFO_FILE);
        }
        List<Contents> runs = new ArrayList<>();
        for (Path folder : folders) {
            runs.add(open(folder).read());
        }
        runs.sort(Comparator.comparing(run -> run.info().started()));
        return runs;
    }

    private static void find(Path folder, int depth, List<Path> found) throws IOException {
        if (Files.isRegularFile(folder.resolve(INFO_FILE))) {
            found.add(folder);
            return;
        }
        if (depth == 0) {
            return;
        }
        List<Path> inside;
        try (Stream<Path> children = Files.list(folder)) {
            inside = children.filter(Files::isDirectory).filter(child -> !child.getFileName().toString().startsWith(".")).sorted().toList();
        }
        for (Path child : inside) {
            if (Files.isReadable(child)) {
                find(child, depth - 1, found);
            }
        }
    }

    /// The folder's path.
    public Path path() {
        return path;
    }

    /// Reads what the run is.
    ///
    /// @throws IOException if `run.json` cannot be read or is not of this format
    public RunInfo readInfo() throws IOException {
        return readDocument(INFO_FILE, RunInfo.class);
    }

    /// Reads everything.
    ///
    /// @throws IOException if a file cannot be read or is not of its format; an unfinished last line is a remark
    public Contents read() throws IOException {
        LineFile<MetricsLine> metrics = LineFile.read(path.resolve(METRICS_FILE), MetricsLine.class);
        LineFile<NormLine> norms = LineFile.read(path.resolve(NORMS_FILE), NormLine.class);
        LineFile<ProvenanceLine> later = LineFile.read(path.resolve(PROVENANCE_FILE), ProvenanceLine.class);
        boolean ended = Files.exists(path.resolve(RESULT_FILE));
        Optional<RunResult> result = ended ? Optional.of(readDocument(RESULT_FILE, RunResult.class)) : Optional.empty();
        List<String> remarks = new ArrayList<>(metrics.remarks());
        remarks.addAll(norms.remarks());
        remarks.addAll(later.remarks());
        return new Contents(path, readInfo(), metrics.lines(), norms.lines(), result, later.lines(), remarks);
    }

    /// Where and with what the run was computed last.
    ///
    /// @throws IOException if a file cannot be read
    public Map<String, String> lastProvenance() throws IOException {
        List<ProvenanceLine> lines = LineFile.read(path.resolve(PROVENANCE_FILE), ProvenanceLine.class).lines();
        return lines.isEmpty() ? readInfo().provenance() : lines.getLast().provenance();
    }

    /// Adds where and with what the run goes on to `provenance.jsonl`, if that differs from what was said last.
    ///
    /// @throws IOException if a file cannot be read or written
    public void addProvenance(Instant time, Map<String, String> provenance) throws IOException {
        Path file = path.resolve(PROVENANCE_FILE);
        List<ProvenanceLine> lines = new ArrayList<>(LineFile.read(file, ProvenanceLine.class).lines());
        if (!lastProvenance().equals(provenance)) {
            lines.add(new ProvenanceLine(time, provenance));
            AtomicFile.writeText(file, lines.stream().map(line -> Json.line(line) + "\n").collect(Collectors.joining()));
        }
    }

    /// Opens `metrics.jsonl` to append lines, after cutting it to `lastEpoch`.
    ///
    /// @param lastEpoch the last epoch whose lines stay: that of the checkpoint, or -1 for a new run
    /// @throws IOException if the file cannot be read or written
    public LineWriter<MetricsLine> appendMetrics(int lastEpoch) throws IOException {
        return append(METRICS_FILE, MetricsLine.class, lastEpoch);
    }

    /// Opens `norms.jsonl` to append lines, after cutting it to `lastEpoch`.
    ///
    /// @param lastEpoch the last epoch whose lines stay: that of the checkpoint, or -1 for a new run
    /// @throws IOException if the file cannot be read or written
    public LineWriter<NormLine> appendNorms(int lastEpoch) throws IOException {
        return append(NORMS_FILE, NormLine.class, lastEpoch);
    }

    /// Writes what came out, in place of an earlier result.
    ///
    /// @throws IOException if the folder cannot be written
    public void writeResult(RunResult result) throws IOException {
        AtomicFile.writeText(path.resolve(RESULT_FILE), Json.document(result));
    }

    /// Adds the accuracy under attacks to the result; see [RunResult#with].
    ///
    /// @return false if the run has no result yet, so that nothing was written
    /// @throws IOException if the result cannot be read or written
    public boolean addAttacks(List<RunResult.AttackScore> scores) throws IOException {
        if (!Files.exists(path.resolve(RESULT_FILE))) {
            return false;
        }
        writeResult(readDocument(RESULT_FILE, RunResult.class).with(scores));
        return true;
    }

    private <T extends EpochLine> LineWriter<T> append(String name, Class<T> type, int lastEpoch) throws IOException {
        Path file = path.resolve(name);
        LineFile.truncate(file, type, lastEpoch);
        return new LineWriter<>(file);
    }

    private <T> T readDocument(String name, Class<T> type) throws IOException {
        Path file = path.resolve(name);
        return Json.read(new String(Files.readAllBytes(file), StandardCharsets.UTF_8), type, file, 0);
    }
}
