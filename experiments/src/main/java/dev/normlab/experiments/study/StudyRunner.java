package dev.normlab.experiments.study;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Interruption;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunLog;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.DataSplits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Works through the runs of a study, or of a part of it: skips what is finished, goes on with what was broken off, passes by what another
/// process is doing.
public final class StudyRunner {

    private static final long PAUSE_MILLIS = 500;

    private final StudyPlan plan;
    private final StudyFolder folder;
    private final Shard shard;
    private final Device device;
    private final Progress progress;
    private final String command;
    private final RelativeCost cost;
    private final TimeLeft timeLeft = new TimeLeft(System::nanoTime);
    private final Set<String> awaited = new HashSet<>();

    /// How it went.
    ///
    /// @param done        runs that were trained and attacked now
    /// @param known       runs that had been finished before
    /// @param diverged    runs that met NaN or infinity, now or before
    /// @param failed      what went wrong with others, as sentences
    /// @param interrupted whether the user stopped; else all runs of the part are done or failed
    public record Result(int done, int known, int diverged, List<String> failed, boolean interrupted) {}

    /// A runner of a planned study.
    ///
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

    /// Does the runs. At the end it waits for those that another process is doing, and goes on with what that one has left unfinished: when
    /// this comes back and the user has not stopped it, every run of the part is done, or has failed here.
    ///
    /// @throws UserError                         if the folder holds another study
    /// @throws dev.normlab.nn.data.DataException if the data is missing or damaged
    /// @throws IOException                       if the folder cannot be read or written
    public Result run() throws IOException {
        StudyConfig config = plan.config();
        List<PlannedRun> mine = shard.of(plan.runs());
        DataSplits all = DataSource.loadToTrainOn(config.data());
        DataSplits data = config.limit() == 0 ? all : all.limit(config.limit());
        folder.claim(config, progress::line);
        data.notices().forEach(progress::line);
        List<PlannedRun> open = new ArrayList<>();
        Tally tally = new Tally();
        for (PlannedRun run : mine) {
            Optional<RunFolder.Contents> contents = contents(run);
            Optional<RunFolder.Contents> finished = contents.filter(plan.config()::isComplete);
            if (finished.isEmpty()) {
                open.add(run);
                timeLeft.add(run, cost.of(run, data), contents.map(StudyRunner::epochs).orElse(0));
            } else {
                tally.count(isDiverged(finished.get()) ? StudyRun.Outcome.DIVERGED : StudyRun.Outcome.KNOWN);
            }
        }
        progress.line(opening(mine, open, data));
        List<PlannedRun> busy = work(open, mine.size() - open.size() + 1, mine.size(), data, tally);
        while (!busy.isEmpty() && tally.of(StudyRun.Outcome.INTERRUPTED) == 0) {
            busy = afterWaiting(busy, mine.size(), data, tally);
        }
        return new Result(tally.of(StudyRun.Outcome.DONE), tally.of(StudyRun.Outcome.KNOWN), tally.of(StudyRun.Outcome.DIVERGED),
                tally.failed, tally.of(StudyRun.Outcome.INTERRUPTED) > 0);
    }

    /// How often what came out.
    private static final class Tally {

        private final Map<StudyRun.Outcome, Integer> counts = new EnumMap<>(StudyRun.Outcome.class);
        private final List<String> failed = new ArrayList<>();

        int of(StudyRun.Outcome outcome) {
            return counts.getOrDefault(outcome, 0);
        }

        void count(StudyRun.Outcome outcome) {
            counts.merge(outcome, 1, Integer::sum);
        }

        void fail(PlannedRun run, String what, Progress progress) {
            String message = run.folder() + ": " + what;
            progress.line("failed: " + message);
            failed.add(message);
        }
    }

    /// Does runs one after the other until the user stops; returns those that other processes are doing.
    ///
    /// @param first the number of the first one, of so many `runs`
    private List<PlannedRun> work(List<PlannedRun> open, int first, int runs, DataSplits data, Tally tally) {
        List<PlannedRun> busy = new ArrayList<>();
        for (int i = 0; i < open.size() && tally.of(StudyRun.Outcome.INTERRUPTED) == 0; i++) {
            PlannedRun run = open.get(i);
            try {
                StudyRun.Outcome outcome = one(run, first + i, runs, data);
                if (outcome == StudyRun.Outcome.BUSY) {
                    busy.add(run);
                } else {
                    tally.count(outcome);
                }
            } catch (IOException | AcceleratorException e) {
                tally.fail(run, String.valueOf(e.getMessage()), progress);
            } catch (UserError | DataException e) {
                throw e;
            } catch (RuntimeException e) {
                tally.fail(run, e + " (" + RunLog.FILE + " in its folder says where)", progress);
            }
        }
        return busy;
    }

    /// Waits until another process has let go of one of the runs that it is doing, or the user stops, and does what is left of that run;
    /// returns the others.
    private List<PlannedRun> afterWaiting(List<PlannedRun> busy, int runs, DataSplits data, Tally tally) throws IOException {
        List<PlannedRun> rest = new ArrayList<>(busy);
        PlannedRun free = null;
        try (Interruption interruption = Interruption.handle(() -> {
        })) {
            while (free == null && !interruption.requested()) {
                for (int i = 0; i < busy.size() && free == null; i++) {
                    free = isFree(busy.get(i)) ? busy.get(i) : null;
                }
                if (free == null) {
                    pause();
                }
            }
            if (free == null) {
                progress.line("stopped waiting; " + busy.size() + " runs are still being done by others");
                tally.count(StudyRun.Outcome.INTERRUPTED);
                return rest;
            }
        }
        rest.remove(free);
        rest.addAll(work(List.of(free), runs - rest.size(), runs, data, tally));
        return rest;
    }

    /// Whether nobody is doing a run; says once for whom it waits. A folder that cannot be locked is nobody's: doing the run will fail and
    /// say why.
    private boolean isFree(PlannedRun run) {
        try (FolderLock lock = new FolderLock(folder.of(run))) {
            if (lock.tryAcquire()) {
                return true;
            }
            if (awaited.add(run.folder())) {
                progress.line("waiting for " + run.folder() + ", which " + lock.holder() + " is doing");
            }
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for another process", e);
        }
    }

    /// What the folder of a run holds, if it was begun. A folder that cannot be read is open: to do it fails alone and says why.
    private Optional<RunFolder.Contents> contents(PlannedRun run) {
        try {
            return folder.read(run);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static int epochs(RunFolder.Contents contents) {
        return contents.metrics().isEmpty() ? 0 : contents.metrics().getLast().epoch();
    }

    private static boolean isDiverged(RunFolder.Contents contents) {
        return contents.result().filter(result -> result.status() == RunResult.Status.DIVERGED).isPresent();
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
        Progress piece = progress.ofPiece(() -> "[" + number + "/" + runs + eta() + "] " + run.model() + " " + run.setting() + ": ");
        StudyRun.Outcome outcome;
        boolean left = false;
        timeLeft.begin(run, cost.of(run, data));
        try {
            outcome = new StudyRun(plan.config(), run, folder, data, device, piece, command).tellingTo(timeLeft).execute();
            left = outcome == StudyRun.Outcome.BUSY;
        } finally {
            timeLeft.end(left);
        }
        progress.line(name + "  " + summary(run, outcome) + (outcome == StudyRun.Outcome.DONE
                ? "  " + Progress.duration((System.nanoTime() - start) / 1e9) + eta()
                : ""));
        return outcome;
    }

    private String eta() {
        OptionalDouble seconds = timeLeft.seconds();
        return seconds.isPresent() ? ", ETA " + Progress.duration(seconds.getAsDouble()) : "";
    }

    private String summary(PlannedRun run, StudyRun.Outcome outcome) throws IOException {
        return switch (outcome) {
            case BUSY -> "another process is at it; going on with the next";
            case INTERRUPTED -> "interrupted; its state is saved";
            case DIVERGED -> "diverged: " + folder.read(run).flatMap(RunFolder.Contents::result).map(RunResult::message).orElse("");
            case KNOWN -> "was finished by another process";
            case DONE -> {
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
