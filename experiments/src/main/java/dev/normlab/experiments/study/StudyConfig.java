package dev.normlab.experiments.study;

import dev.normlab.attacks.AttackList;
import dev.normlab.attacks.Passes;
import dev.normlab.attacks.PgdOptions;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/// What a study is: every model trained with every method at every strength, several times, and attacked. Its YAML form is described in
/// `docs/studies.md`.
///
/// @param name     a word for folders and messages
/// @param title    of the report
/// @param paper    the built-in study whose setting the report sets beside this one; empty for none
/// @param data     a data specification
/// @param limit    the number of images used of each split, 0 for all
/// @param models   model specifications
/// @param seeds    how often each setting is trained, each time with another seed
/// @param seed     the study's own seed, from which those of the runs are derived
/// @param conv     how convolutions are computed
/// @param training what all runs have in common
/// @param methods  what is compared
/// @param attack   how robustness is measured
/// @param tree     the configuration as YAML
public record StudyConfig(String name, String title, Optional<String> paper, String data, int limit, List<String> models, int seeds,
        long seed, ConvolutionMode conv, Training training, List<StudyMethod> methods, Attack attack, ConfigTree tree) {

    private static final int MOST_SEEDS = 1000;

    private static final List<String> KEYS = List.of("name", "title", "data", "limit", "models", "seeds", "seed", "conv", "training",
            "methods", "attack");
    private static final List<String> TRAINING_KEYS = List.of("epochs", "batch_size", "lr", "momentum", "schedule", "augment");
    private static final List<String> TRAINING_OPTIONAL = List.of("bn_statistics");
    private static final List<String> ATTACK_KEYS = List.of("attacks", "norm", "eps", "steps", "restarts", "targets", "images");

    /// Copies the lists.
    public StudyConfig {
        models = List.copyOf(models);
        methods = List.copyOf(methods);
    }

    /// What all runs have in common, as the options of `train`.
    public record Training(int epochs, int batchSize, double lr, double momentum, String schedule, boolean augment,
            OptionalInt bnStatistics) {}

    /// How robustness is measured.
    ///
    /// @param attacks  names, in the order in which they run; each sees the images that survived those before it
    /// @param norm     of the perturbation
    /// @param eps      its size as it was written, such as `8/255`
    /// @param steps    of APGD, FAB and PGD
    /// @param restarts runs of each attack, for each target
    /// @param targets  classes that targeted attacks aim at
    /// @param images   the first so many test images are attacked
    public record Attack(List<String> attacks, ThreatModel.Ball norm, String eps, int steps, int restarts, int targets, int images) {

        /// Copies the list.
        public Attack {
            attacks = List.copyOf(attacks);
        }

        /// Norm and size.
        public ThreatModel threat() {
            return new ThreatModel(norm, Fractions.positive("eps", eps));
        }

        /// The attacks, ready to run.
        public List<dev.normlab.attacks.Attack> list() {
            PgdOptions pgd = PgdOptions.DEFAULT.withIterations(steps).withRestarts(restarts);
            return AttackList.of(attacks, norm, new AttackList.Settings(pgd, OptionalInt.of(steps), OptionalInt.of(restarts),
                    OptionalInt.of(targets), OptionalInt.empty(), OptionalInt.empty()));
        }

        /// The passes of an image that none of the attacks fools, in a model of so many classes: the most that an image can take, because
        /// each attack sees the survivors of those before it alone.
        public Passes passes(int classes) {
            return list().stream().map(attack -> attack.passes(threat(), classes)).reduce(Passes.NONE, Passes::plus);
        }

        /// What the scores of all attacks together are recorded under, with everything that matters: `apgd-ce + apgd-t, 100 steps`.
        public String label() {
            return String.join(" + ", attacks) + ", " + steps + " steps" + (restarts == 1 ? "" : " x " + restarts)
                    + (attacks.stream().anyMatch(attack -> attack.endsWith("-t")) ? ", " + targets + " targets" : "");
        }
    }

    /// Reads a configuration.
    ///
    /// @throws UserError if keys are unknown or missing, or values make no sense; the message says where and what was expected
    public static StudyConfig of(ConfigTree tree) {
        ConfigNode top = ConfigNode.of(tree, KEYS, List.of("paper"));
        String name = top.text("name");
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw UserError.usage(tree.source() + ": name: expected a word of letters, digits, dots and hyphens, but got '" + name + "'");
        }
        Optional<String> paper = top.optionalText("paper");
        if (paper.isPresent() && !BuiltInStudy.names().contains(paper.get())) {
            throw UserError.usage(tree.source() + ": paper: expected one of " + String.join(", ", BuiltInStudy.names()) + ", but got '"
                    + paper.get() + "'" + Nearest.hint(paper.get(), BuiltInStudy.names()));
        }
        List<String> models = top.texts("models");
        models.forEach(model -> top.checked("models", () -> Weights.parse(model)));
        requireDistinct(tree, "models", models);
        List<StudyMethod> methods = top.sections("methods", "name", StudyMethod.KEYS, StudyMethod.OPTIONAL).stream()
                .map(StudyMethod::of).toList();
        requireDistinct(tree, "methods", methods.stream().map(StudyMethod::name).toList());
        int seeds = top.count("seeds", 1);
        if (seeds > MOST_SEEDS) {
            throw UserError.usage(tree.source() + ": seeds: expected at most " + MOST_SEEDS + ", but got " + seeds);
        }
        return new StudyConfig(name, top.text("title"), paper, top.text("data"), top.count("limit", 0), models, seeds,
                top.whole("seed"), top.checked("conv", () -> ConvolutionMode.of(top.text("conv"))), training(top), methods, attack(top),
                tree);
    }

    private static Training training(ConfigNode top) {
        ConfigNode in = top.section("training", TRAINING_KEYS, TRAINING_OPTIONAL);
        return new Training(in.count("epochs", 1), in.count("batch_size", 1), in.number("lr"), in.number("momentum"), in.text("schedule"),
                in.flag("augment"), in.has("bn_statistics") ? OptionalInt.of(in.count("bn_statistics", 0)) : OptionalInt.empty());
    }

    private static Attack attack(ConfigNode top) {
        ConfigNode in = top.section("attack", ATTACK_KEYS, List.of());
        ThreatModel.Ball norm = in.checked("norm", () -> ThreatModel.Ball.parse(in.text("norm")));
        Attack attack = new Attack(in.texts("attacks"), norm, in.text("eps"), in.count("steps", 1), in.count("restarts", 1),
                in.count("targets", 1), in.count("images", 1));
        in.checked("attacks", attack::list);
        in.checked("eps", attack::threat);
        return attack;
    }

    private static void requireDistinct(ConfigTree tree, String key, List<String> names) {
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (!seen.add(name)) {
                throw UserError.usage(tree.source() + ": " + key + ": '" + name + "' is there twice");
            }
        }
    }

    /// This study with some of its models and methods only.
    ///
    /// @param chosenModels  specifications or names of models; empty for all
    /// @param chosenMethods names of methods; empty for all
    /// @throws UserError if it has none of a name
    public StudyConfig only(List<String> chosenModels, List<String> chosenMethods) {
        List<String> keptModels = models.stream()
                .filter(model -> chosenModels.isEmpty() || chosenModels.contains(model) || chosenModels.contains(family(model))).toList();
        List<StudyMethod> keptMethods = methods.stream()
                .filter(method -> chosenMethods.isEmpty() || chosenMethods.contains(method.name())).toList();
        List<String> families = models.stream().map(StudyConfig::family).toList();
        chosenModels.stream().filter(one -> !models.contains(one) && !families.contains(one)).findFirst().ifPresent(one -> {
            throw UserError.usage("--models: the study has no model '" + one + "'" + Nearest.hint(one, families) + "; it has "
                    + String.join(", ", models));
        });
        List<String> names = methods.stream().map(StudyMethod::name).toList();
        chosenMethods.stream().filter(one -> !names.contains(one)).findFirst().ifPresent(one -> {
            throw UserError.usage("--methods: the study has no method '" + one + "'" + Nearest.hint(one, names) + "; it has "
                    + String.join(", ", names));
        });
        ConfigTree kept = tree.keeping("models", i -> keptModels.contains(models.get(i)))
                .keeping("methods", i -> keptMethods.contains(methods.get(i)));
        return new StudyConfig(name, title, paper, data, limit, keptModels, seeds, seed, conv, training, keptMethods, attack, kept);
    }

    private static String family(String model) {
        int colon = model.indexOf(':');
        return colon < 0 ? model : model.substring(0, colon);
    }

    /// Everything that determines the results, as names and texts; two studies with the same are the same.
    public Map<String, String> toMap() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("name", name);
        map.put("data", data);
        map.put("limit", limit == 0 ? "all images" : Integer.toString(limit));
        map.put("models", String.join(", ", models));
        map.put("seeds", Integer.toString(seeds));
        map.put("seed", Long.toString(seed));
        map.put("conv", conv.toString());
        map.put("training.epochs", Integer.toString(training.epochs()));
        map.put("training.batch_size", Integer.toString(training.batchSize()));
        map.put("training.lr", Double.toString(training.lr()));
        map.put("training.momentum", Double.toString(training.momentum()));
        map.put("training.schedule", training.schedule());
        map.put("training.augment", Boolean.toString(training.augment()));
        training.bnStatistics().ifPresent(images -> map.put("training.bn_statistics", Integer.toString(images)));
        methods.forEach(method -> map.put("methods." + method.name(), method.describe()));
        map.put("attack.attacks", attack.attacks().stream().collect(Collectors.joining(", ")));
        map.put("attack.norm", attack.norm().label());
        map.put("attack.eps", attack.eps());
        map.put("attack.steps", Integer.toString(attack.steps()));
        map.put("attack.restarts", Integer.toString(attack.restarts()));
        map.put("attack.targets", Integer.toString(attack.targets()));
        map.put("attack.images", Integer.toString(attack.images()));
        return map;
    }

    /// Whether a run folder holds all that the study wants of it: the run was trained and attacked, or it diverged.
    public boolean isComplete(RunFolder.Contents contents) {
        Optional<RunResult> result = contents.result();
        return result.isPresent() && (result.get().status() == RunResult.Status.DIVERGED
                || result.get().status() == RunResult.Status.FINISHED && attackIn(result.get()).isPresent());
    }

    /// The score of the study's attacks in a result.
    public Optional<RunResult.AttackScore> attackIn(RunResult result) {
        return result.attacks().stream().filter(score -> score.name().equals(attack.label())
                && score.norm().equals(attack.norm().label()) && score.eps() == attack.threat().eps()).findFirst();
    }

    /// In what this study and another differ, as sentences; empty if they are the same.
    ///
    /// @param here  what the other is called
    /// @param there what this is called
    public List<String> differences(StudyConfig other, String here, String there) {
        Map<String, String> mine = toMap();
        Map<String, String> others = other.toMap();
        List<String> found = new ArrayList<>();
        Set<String> keys = new LinkedHashSet<>(mine.keySet());
        keys.addAll(others.keySet());
        for (String key : keys) {
            String left = mine.getOrDefault(key, "not there");
            String right = others.getOrDefault(key, "not there");
            if (!left.equals(right)) {
                found.add(key + " is " + left + " " + there + ", but " + right + " " + here);
            }
        }
        return found;
    }

    /// The method bundle of a name, for messages.
    static Method bundle(String name) {
        List<String> names = Method.names();
        if (!names.contains(name)) {
            throw UserError.usage("there is no method '" + name + "'" + Nearest.hint(name, names) + "; known methods: "
                    + String.join(", ", names));
        }
        return Method.parse(name);
    }
}
