package dev.normlab.experiments.cli;

import dev.normlab.attacks.Attack;
import dev.normlab.attacks.AttackList;
import dev.normlab.attacks.PgdOptions;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.UserError;
import dev.normlab.nn.data.Dataset;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which attacks run, and how: the options of `attack` that say so.
final class AttackListOptions {

    private static final int HASH_DIGITS = 12;
    private static final Set<String> WITH_STEPS = Set.of("pgd", "apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "standard", "plus",
            "rand");
    private static final Set<String> WITH_TARGETS = Set.of("apgd-t", "fab-t", "standard", "plus");
    private static final Set<String> WITH_QUERIES = Set.of("square", "standard", "plus");
    private static final Set<String> WITH_DRAWS = Set.of("apgd-ce", "apgd-dlr", "apgd-t", "standard", "plus", "rand");

    @Option(names = "--attacks", paramLabel = "LIST", split = ",",
            description = "Attacks in the order in which they shall run: fgsm, pgd, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square, or an "
                    + "ensemble: standard, plus, rand (default: pgd).")
    private List<String> attacks = List.of("pgd");

    @Option(names = "--steps", paramLabel = "N", description = "Steps of pgd (default: 20), apgd and fab (default: 100).")
    private @Nullable Integer steps;

    @Option(names = "--step-size", paramLabel = "A", description = "Length of a step of pgd, for example 2/255 (default: 2.5 eps / steps).")
    private @Nullable String stepSize;

    @Option(names = "--restarts", paramLabel = "N",
            description = "Runs of each attack, for each target; later ones see the survivors only (default: 1 for pgd and square; 5 for apgd-ce, "
                    + "apgd-dlr and fab by themselves).")
    private @Nullable Integer restarts;

    @Option(names = "--targets", paramLabel = "N",
            description = "Classes that apgd-t and fab-t aim at (default: 9, all others for fewer; apgd-t of standard in l1: 5).")
    private @Nullable Integer targets;

    @Option(names = "--queries", paramLabel = "N", description = "Forward passes of square for an image (default: 5000).")
    private @Nullable Integer queries;

    @Option(names = "--draws", paramLabel = "N",
            description = "Passes whose mean is the gradient of apgd, for models with random numbers of their own (default: 1, rand: 20).")
    private @Nullable Integer draws;

    @Option(names = "--target", paramLabel = "CLASS|FILE",
            description = "Lead pgd to this class, or to the class of each image in an npy file of whole numbers; only images that reach it count as "
                    + "fooled. Images that are of their own target class are left out.")
    private @Nullable String target;

    @Option(names = "--no-random-start", description = "Begin pgd at the clean image.")
    private boolean noRandomStart;

    private int[] targetClasses = {};
    private String targetName = "";

    /// Reads what pgd shall lead images to, if that was said, and leaves out images that are of their own target class: they are there
    /// already, so that whatever was counted of them would mislead.
    ///
    /// @param classes of the model
    /// @param data    the images
    /// @param tell    hears which images are left out
    /// @return the images to attack
    /// @throws UserError   if it is no class of the model, or not one for each image, or no image is left
    /// @throws IOException if the file cannot be read
    Dataset readTargets(int classes, Dataset data, Consumer<String> tell) throws IOException {
        if (target == null) {
            return data;
        }
        int records = IntStream.range(0, data.size()).map(data::record).max().orElse(0) + 1;
        targetClasses = new int[records];
        if (target.strip().matches("-?\\d{1,9}")) {
            Arrays.fill(targetClasses, Integer.parseInt(target.strip()));
            targetName = Integer.toString(targetClasses[0]);
        } else {
            int[] given = classesIn(Path.of(target));
            if (given.length != data.size()) {
                throw UserError
                        .failure("--target: expected " + target + " to hold a class for each of the " + data.size() + " images, but it has "
                                + given.length);
            }
            for (int i = 0; i < given.length; i++) {
                targetClasses[data.record(i)] = given[i];
            }
            targetName = Path.of(target).getFileName() + " (sha256 " + hash(given).substring(0, HASH_DIGITS) + ")";
        }
        for (int one : targetClasses) {
            if (one < 0 || one >= classes) {
                throw UserError.usage("--target: expected a class from 0 to " + (classes - 1) + ", but got " + one);
            }
        }
        return attackable(data, tell);
    }

    private Dataset attackable(Dataset data, Consumer<String> tell) {
        int[] own = IntStream.range(0, data.size()).filter(i -> targetClasses[data.record(i)] == data.label(i)).toArray();
        if (own.length == 0) {
            return data;
        }
        String first = "image " + data.record(own[0]) + " of class " + data.label(own[0]);
        if (own.length == data.size()) {
            throw UserError.failure("--target: expected images of other classes than those that they shall be led to, but all "
                    + data.size() + " are of their own target class, the first of them " + first + "; choose another target");
        }
        tell.accept("--target: " + own.length + " of " + data.size() + " images are of their own target class, the first of them " + first
                + "; they are left out, and all figures are of the other " + (data.size() - own.length));
        return data.subset(IntStream.range(0, data.size()).filter(i -> targetClasses[data.record(i)] != data.label(i)).toArray());
    }

    /// SHA-256 of classes, in hexadecimal.
    private static String hash(int[] classes) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * classes.length);
        bytes.asIntBuffer().put(classes);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static int[] classesIn(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw UserError.failure("--target: expected a class or an npy file of classes, but there is no file " + file);
        }
        return switch (Npy.read(file)) {
            case NumberArray.Ints ints -> ints.values();
            case NumberArray.Longs longs -> LongStream.of(longs.values()).mapToInt(value -> classOf(value, file)).toArray();
            case NumberArray other -> throw UserError.failure("--target: expected whole numbers (int32 or int64) in " + file + ", but got "
                    + other.getClass().getSimpleName().toLowerCase(Locale.ROOT));
        };
    }

    private static int classOf(long value, Path file) {
        if (value != (int) value) {
            throw UserError.failure("--target: expected classes in " + file + ", but got " + value);
        }
        return (int) value;
    }

    private void requireKnown() {
        List<String> known = Stream.concat(AttackList.ATTACKS.stream(), AttackList.ENSEMBLES.stream()).toList();
        listed().stream().filter(name -> !known.contains(name)).findFirst().ifPresent(name -> {
            throw UserError.usage("--attacks: there is no attack '" + name + "'" + Nearest.hint(name, known) + "; known attacks: "
                    + String.join(", ", AttackList.ATTACKS) + "; known ensembles of AutoAttack: "
                    + String.join(", ", AttackList.ENSEMBLES));
        });
    }

    /// Numbers that no attack of the list goes by are refused where they would be passed over in silence.
    private void requireUse(String option, @Nullable Integer given, Set<String> by) {
        if (given != null && listed().stream().noneMatch(by::contains)) {
            throw UserError.usage(option + ": expected one of the attacks " + by.stream().sorted().collect(Collectors.joining(", "))
                    + ", which go by it, but --attacks is " + String.join(",", attacks));
        }
    }

    /// Options that only pgd knows are refused where they would be passed over in silence.
    private void requirePgd() {
        List<String> given = new ArrayList<>();
        if (target != null) {
            given.add("--target");
        }
        if (stepSize != null) {
            given.add("--step-size");
        }
        if (noRandomStart) {
            given.add("--no-random-start");
        }
        boolean pgd = attacks.stream().anyMatch(name -> name.strip().equalsIgnoreCase("pgd"));
        boolean others = attacks.stream().anyMatch(name -> !name.strip().equalsIgnoreCase("pgd"));
        if (!given.isEmpty() && !pgd) {
            throw UserError.usage(String.join(", ", given) + ": only pgd knows this, but --attacks is " + String.join(",", attacks));
        }
        if (target != null && others) {
            throw UserError.usage("--target: leads pgd to a class, and the other attacks of " + String.join(",", attacks)
                    + " away from the true one: attack with --attacks pgd alone");
        }
    }

    /// The attacks for perturbations measured in this norm.
    ///
    /// @throws UserError if a name is unknown or a number out of range
    List<Attack> attacks(ThreatModel.Ball ball) {
        requireKnown();
        requirePgd();
        OptionalInt stepCount = count("--steps", steps);
        OptionalInt restartCount = count("--restarts", restarts);
        PgdOptions options = PgdOptions.DEFAULT.withRandomStart(!noRandomStart)
                .withIterations(stepCount.orElse(PgdOptions.DEFAULT.iterations())).withRestarts(restartCount.orElse(1));
        PgdOptions sized = stepSize == null ? options : options.withStepSize(Fractions.positive("--step-size", stepSize));
        PgdOptions pgd = target == null ? sized : sized.withTargets(targetClasses);
        List<Attack> list = AttackList.of(attacks, ball, new AttackList.Settings(pgd, stepCount, restartCount,
                count("--targets", targets), count("--queries", queries), count("--draws", draws)));
        if (restarts != null && listed().stream().allMatch("fgsm"::equals)) {
            throw UserError.usage(
                    "--restarts: fgsm takes one step from the image and gives the same every time; leave it out, or attack with pgd");
        }
        requireUse("--steps", steps, WITH_STEPS);
        requireUse("--targets", targets, WITH_TARGETS);
        requireUse("--queries", queries, WITH_QUERIES);
        requireUse("--draws", draws, WITH_DRAWS);
        return list;
    }

    /// What results of the attacks are recorded under, in their order: the name with all numbers that were given and that the attack goes
    /// by, of pgd always with its steps, as in `pgd-20`. It is the same on every machine: of a file of targets it has the name and what is
    /// in it, not the folder. An attack of an ensemble is named after it, as in `apgd-ce of standard`.
    List<String> labels(ThreatModel.Ball ball) {
        List<String> labels = new ArrayList<>();
        for (String listed : listed()) {
            String ensemble = AttackList.ENSEMBLES.contains(listed) ? " of " + listed : "";
            for (Attack attack : AttackList.of(List.of(listed), ball, AttackList.Settings.DEFAULT)) {
                labels.add(named(attack.name()) + ensemble);
            }
        }
        return labels;
    }

    private String named(String attack) {
        boolean pgd = attack.equals("pgd");
        StringBuilder label = new StringBuilder(attack);
        if (pgd || steps != null && WITH_STEPS.contains(attack)) {
            label.append('-').append(steps == null ? PgdOptions.DEFAULT.iterations() : steps);
        }
        if (restarts != null && !attack.equals("fgsm") && restarts != usualRestarts(attack)) {
            label.append('x').append(restarts);
        }
        if (targets != null && WITH_TARGETS.contains(attack)) {
            label.append(" for ").append(targets).append(" targets");
        }
        if (queries != null && WITH_QUERIES.contains(attack)) {
            label.append(" with ").append(queries).append(" queries");
        }
        if (draws != null && WITH_DRAWS.contains(attack)) {
            label.append(" over ").append(draws).append(" draws");
        }
        if (pgd) {
            label.append(stepSize == null ? "" : " by " + stepSize.strip()).append(noRandomStart ? " from the image" : "")
                    .append(target == null ? "" : " to " + targetName);
        }
        return label.toString();
    }

    /// How often an attack that was named by itself runs; of an ensemble 0, since its attacks differ.
    private static int usualRestarts(String attack) {
        return switch (attack) {
            case "apgd-ce", "apgd-dlr", "fab" -> AttackList.RESTARTS;
            case String ensemble when AttackList.ENSEMBLES.contains(ensemble) -> 0;
            default -> 1;
        };
    }

    private List<String> listed() {
        return attacks.stream().map(name -> name.strip().toLowerCase(Locale.ROOT)).toList();
    }

    /// The whole list, for example `fgsm + pgd-20` or `standard`.
    String together() {
        return listed().stream().map(this::named).collect(Collectors.joining(" + "));
    }

    private static OptionalInt count(String option, @Nullable Integer given) {
        if (given == null) {
            return OptionalInt.empty();
        }
        if (given < 1) {
            throw UserError.usage(option + ": expected a number of at least 1, but got " + given);
        }
        return OptionalInt.of(given);
    }
}
