package dev.normlab.experiments.study;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.nn.data.DataSplits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Works through the runs of a study, or of a part of it: skips what is finished, goes on with what was broken off, passes by what another
/// process is doing.
public final class StudyRunner {

    private final StudyPlan plan;
    private final StudyFolder folder;
    private final Shard shard;
    private final Device device;
    private final Progress progress;
    private final String command;
    private final RelativeCost cost;
    private final long began = System.nanoTime();
    private double doneCost;
    private double leftCost;

    /// How it went.
    ///
    /// @param done        runs that were trained and attacked now
    /// @param known       runs that had been finished before
    /// @param diverged    runs that met NaN or infinity, now or before
    /// @param busy        runs that another process is doing
    /// @param failed      what went wrong with others, as sentences
    /// @param interrupted whether the user stopped
    public record Result(int done, int known, int diverged, int busy, List<String> failed, boolean interrupted) {}

    /// @param command the command line without the program's name, with which the user goes on
    public StudyRunner(StudyPlan plan, StudyFolder folder, Shard shard, Device device, Progress progress, String command) {
        this.plan = plan;
        this.folder = folder;
        this.shard = shard;
        this.device = device;
        this.progress = progress;
        this.command = command;
        this.cost = new RelativeCost(plan.config(), device);
    }

    /// Does the runs.
    ///
    /// @throws UserError                         if the folder holds another study
    /// @throws dev.normlab.nn.data.DataException if the data is missing or damaged
    /// @throws IOException                       if the folder cannot be read or written
    public Result run() throws IOException {
        StudyConfig config = plan.config();
        List<PlannedRun> mine = shard.of(plan.runs());
        DataSplits all = DataSource.load(config.data());
        DataSplits data = config.limit() == 0 ? all : all.limit(config.limit());
        folder.claim(config, progress::line);
        data.notices().forEach(progress::line);
        List<PlannedRun> open = new ArrayList<>();
        for (PlannedRun run : mine) {
            if (!isComplete(run)) {
                open.add(run);
                leftCost += cost.of(run, data);
            }
        }
        progress.line(opening(mine, open, data));
        int[] counts = new int[StudyRun.Outcome.values().length];
        counts[StudyRun.Outcome.KNOWN.ordinal()] = (int) (mine.size() - open.size() - diverged(mine));
        counts[StudyRun.Outcome.DIVERGED.ordinal()] = (int) diverged(mine);
        List<String> failed = new ArrayList<>();
        for (int i = 0; i < open.size() && counts[StudyRun.Outcome.INTERRUPTED.ordinal()] == 0; i++) {
            PlannedRun run = open.get(i);
            int number = mine.size() - open.size() + i + 1;
            try {
                counts[one(run, number, mine.size(), data).ordinal()]++;
            } catch (IOException e) {
                String message = run.folder() + ": " + e.getMessage();
                progress.line("failed: " + message);
                failed.add(message);
            }
        }
        return new Result(counts[StudyRun.Outcome.DONE.ordinal()], counts[StudyRun.Outcome.KNOWN.ordinal()],
                counts[StudyRun.Outcome.DIVERGED.ordinal()], counts[StudyRun.Outcome.BUSY.ordinal()], failed,
                counts[StudyRun.Outcome.INTERRUPTED.ordinal()] > 0);
    }

    private boolean isComplete(PlannedRun run) throws IOException {
        return folder.read(run).filter(contents -> plan.config().isComplete(contents)).isPresent();
    }

    private long diverged(List<PlannedRun> runs) throws IOException {
        long count = 0;
        for (PlannedRun run : runs) {
            count += folder.read(run).flatMap(RunFolder.Contents::result)
                    .filter(result -> result.status() == RunResult.Status.DIVERGED).isPresent() ? 1 : 0;
        }
        return count;
    }

    private String opening(List<PlannedRun> mine, List<PlannedRun> open, DataSplits data) {
        String part = shard.of() == 1 ? "" : shard + ": " + mine.size() + " of ";
        String known = open.size() == mine.size() ? "" : ", " + (mine.size() - open.size()) + " of them finished already";
        return plan.config().name() + ": " + part + plan.runs().size() + " runs" + known + ", on " + data.train().size() + " training and "
                + data.test().size() + " test images, in " + folder.path();
    }

    private StudyRun.Outcome one(PlannedRun run, int number, int runs, DataSplits data) throws IOException {
        String name = String.format(Locale.ROOT, "[%d/%d] %s %s (seed %d of %d)", number, runs, run.model(), run.setting(),
                run.replicate(), plan.config().seeds());
        long start = System.nanoTime();
        StudyRun.Outcome outcome = new StudyRun(plan.config(), run, folder, data, device,
                progress.ofPiece(() -> "[" + number + "/" + runs + eta() + "] " + run.model() + " " + run.setting() + ": "), command)
                .execute();
        double share = cost.of(run, data);
        leftCost -= share;
        if (outcome == StudyRun.Outcome.DONE || outcome == StudyRun.Outcome.DIVERGED) {
            doneCost += share;
        }
        progress.line(name + "  " + summary(run, outcome) + (outcome == StudyRun.Outcome.DONE
                ? "  " + Progress.duration((System.nanoTime() - start) / 1e9) + eta()
                : ""));
        return outcome;
    }

    private String eta() {
        double spent = (System.nanoTime() - began) / 1e9;
        return doneCost > 0 && leftCost > 0 ? ", ETA " + Progress.duration(spent * leftCost / doneCost) : "";
    }

    private String summary(PlannedRun run, StudyRun.Outcome outcome) throws IOException {
        return switch (outcome) {
            case BUSY -> "another process is at it; going on with the next";
            case INTERRUPTED -> "interrupted; its state is saved";
            case DIVERGED -> "diverged: " + folder.read(run).flatMap(RunFolder.Contents::result).map(RunResult::message).orElse("");
            case DONE, KNOWN -> {
                Optional<RunFolder.Contents> contents = folder.read(run);
                Optional<RunResult> result = contents.flatMap(RunFolder.Contents::result);
                String clean = result.map(RunResult::clean).map(score -> percent(score.accuracy())).orElse("?");
                String robust = result.flatMap(found -> plan.config().attackIn(found))
                        .map(score -> percent(score.robustAccuracy())).orElse("?");
                double norm = contents.map(RunFolder.Contents::metrics).filter(metrics -> !metrics.isEmpty())
                        .map(metrics -> metrics.getLast().normSumL1()).orElse(Double.NaN);
                yield String.format(Locale.ROOT, "clean %s  robust %s  l1 norms %.1f", clean, robust, norm);
            }
        };
    }

    private static String percent(double fraction) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * fraction);
    }
}
