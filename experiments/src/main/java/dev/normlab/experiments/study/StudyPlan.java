package dev.normlab.experiments.study;

import dev.normlab.experiments.run.AdversarialSettings;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.UserError;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// All runs of a study: for every seed, every model, every method and every strength. The first of the seeds comes first, so that a study
/// that is stopped early has something of everything.
///
/// @param config the study
/// @param runs   in the order in which they are done
public record StudyPlan(StudyConfig config, List<PlannedRun> runs) {

    /// Copies the list.
    public StudyPlan {
        runs = List.copyOf(runs);
    }

    /// The plan of a study.
    ///
    /// @throws UserError if settings of a run are out of range or do not fit each other
    public static StudyPlan of(StudyConfig config) {
        List<PlannedRun> runs = new ArrayList<>();
        Set<String> folders = new HashSet<>();
        for (int replicate = 1; replicate <= config.seeds(); replicate++) {
            for (String model : config.models()) {
                for (StudyMethod method : config.methods()) {
                    for (Optional<Strength> strength : method.levels()) {
                        PlannedRun run = run(config, runs.size(), model, method, strength, replicate);
                        if (!folders.add(run.folder())) {
                            throw UserError.usage(config.tree().source() + ": two runs would have the same folder " + run.folder()
                                    + "; give models, methods and strengths that differ in more than punctuation");
                        }
                        runs.add(run);
                    }
                }
            }
        }
        return new StudyPlan(config, runs);
    }

    /// What to say where networks are attacked with almost the size on which they were trained, but not quite; see
    /// [AdversarialSettings#almost].
    public List<String> remarks() {
        return runs.stream().flatMap(run -> run.settings().adversarial().stream())
                .flatMap(training -> training.almost(config.attack().threat()).stream()).distinct()
                .map(remark -> "adversarial training: " + remark).toList();
    }

    private static PlannedRun run(StudyConfig config, int number, String model, StudyMethod method, Optional<Strength> strength,
            int replicate) {
        TrainingSettings settings;
        try {
            settings = method.settings(common(config, model, method.base()), strength);
        } catch (UserError e) {
            throw UserError.usage(config.tree().source() + ": methods[" + method.name() + "].options: " + e.getMessage());
        }
        String folder = slug(model) + "_" + slug(method.name()) + strength.map(one -> "_" + one).orElse("") + "_" + replicate;
        return new PlannedRun(number, folder, model, method, strength, replicate,
                settings.withSeed(Seeds.of(config.seed(), settings, replicate)));
    }

    private static TrainingSettings common(StudyConfig config, String model, Method base) {
        StudyConfig.Training training = config.training();
        try {
            return new TrainingSettings(base.modelFor(model), config.data(), config.limit(), base.name(), training.epochs(),
                    training.batchSize(), training.lr(), training.momentum(), base.weightDecay(), training.schedule(), base.normDecay(),
                    base.projectBn(), base.svc(), base.adversarial(), "", training.augment(), true, config.conv(), training.bnStatistics(),
                    0);
        } catch (UserError e) {
            throw UserError
                    .usage(config.tree().source() + ": training: " + String.valueOf(e.getMessage()).replaceFirst("^--([a-z-]+):", "$1:"));
        }
    }

    private static String slug(String text) {
        return text.replaceAll("[^A-Za-z0-9.+-]+", "-");
    }
}
