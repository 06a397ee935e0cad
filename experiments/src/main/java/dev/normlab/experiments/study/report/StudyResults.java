package dev.normlab.experiments.study.report;

import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.experiments.study.PlannedRun;
import dev.normlab.experiments.study.StudyConfig;
import dev.normlab.experiments.study.StudyFolder;
import dev.normlab.experiments.study.StudyMethod;
import dev.normlab.experiments.study.StudyPlan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What came out of a study so far.
///
/// @param plan     what there is to do
/// @param settings by model, method and strength, in the order of the configuration
/// @param runs     the runs that were begun, in the order of the plan
/// @param remarks  which folders could not be read, as sentences; their runs count as open
public record StudyResults(StudyPlan plan, List<SettingResult> settings, List<Begun> runs, List<String> remarks) {

    /// Copies the lists.
    public StudyResults {
        settings = List.copyOf(settings);
        runs = List.copyOf(runs);
        remarks = List.copyOf(remarks);
    }

    /// A run that was begun, with what its folder holds.
    public record Begun(PlannedRun planned, RunFolder.Contents contents) {}

    /// What distinguishes settings.
    private record Key(String model, String setting) {}

    /// Reads a study's folder. A run's folder that cannot be read is left out with a remark.
    ///
    /// @throws IOException if the configuration cannot be read
    public static StudyResults read(StudyFolder folder) throws IOException {
        StudyPlan plan = StudyPlan.of(folder.readConfig());
        Map<Key, List<PlannedRun>> bySetting = new LinkedHashMap<>();
        for (PlannedRun run : plan.runs()) {
            bySetting.computeIfAbsent(new Key(run.model(), run.setting()), _ -> new ArrayList<>()).add(run);
        }
        Map<PlannedRun, Begun> begun = new LinkedHashMap<>();
        List<String> remarks = new ArrayList<>();
        for (PlannedRun run : plan.runs()) {
            try {
                folder.read(run).ifPresent(contents -> begun.put(run, new Begun(run, contents)));
            } catch (IOException e) {
                remarks.add("The run " + run.folder() + " cannot be read and counts as open: " + e.getMessage());
            }
        }
        List<SettingResult> settings = new ArrayList<>();
        for (List<PlannedRun> runs : bySetting.values()) {
            settings.add(setting(plan.config(), runs, begun));
        }
        return new StudyResults(plan, settings, List.copyOf(begun.values()), remarks);
    }

    private static SettingResult setting(StudyConfig config, List<PlannedRun> runs, Map<PlannedRun, Begun> begun) {
        List<SettingResult.Finished> finished = new ArrayList<>();
        int diverged = 0;
        for (PlannedRun run : runs) {
            Begun found = begun.get(run);
            if (found == null || found.contents().result().isEmpty()) {
                continue;
            }
            RunResult result = found.contents().result().get();
            diverged += result.status() == RunResult.Status.DIVERGED ? 1 : 0;
            Optional<RunResult.AttackScore> robust = config.attackIn(result);
            if (result.status() == RunResult.Status.FINISHED && result.clean() != null && robust.isPresent()) {
                finished.add(SettingResult.Finished.of(run.replicate(), run.folder(), RecordedRun.of(found.contents()), result.clean(),
                        robust.get()));
            }
        }
        PlannedRun first = runs.getFirst();
        return new SettingResult(first.model(), first.method(), first.strength(), runs.size(), finished, diverged);
    }

    /// The study.
    public StudyConfig config() {
        return plan.config();
    }

    /// The settings of a model.
    List<SettingResult> of(String model) {
        return settings.stream().filter(setting -> setting.model().equals(model)).toList();
    }

    /// The settings of a model with a method, in the order of the strengths.
    List<SettingResult> of(String model, StudyMethod method) {
        return of(model).stream().filter(setting -> setting.method().equals(method)).toList();
    }

    /// The setting that others are compared with: the first method of the model, if it has no strengths.
    Optional<SettingResult> baseline(String model) {
        return of(model).stream().findFirst().filter(setting -> setting.strength().isEmpty() && !setting.finished().isEmpty());
    }

    /// The number of runs that are trained and attacked.
    public int finished() {
        return settings.stream().mapToInt(setting -> setting.finished().size()).sum();
    }

    /// The number of runs that diverged.
    public int diverged() {
        return settings.stream().mapToInt(SettingResult::diverged).sum();
    }

    /// The number of runs that are still to be done.
    public int open() {
        return plan.runs().size() - finished() - diverged();
    }
}
