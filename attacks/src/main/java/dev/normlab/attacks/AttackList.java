package dev.normlab.attacks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;

/// Attacks by name, and the ensembles of AutoAttack (Croce and Hein 2020, arXiv:2003.01690, section 5; the l1 settings 2021,
/// arXiv:2103.01208):
///
/// - `standard`: APGD-CE once, APGD-T and FAB-T once for each of nine targets, Square with 5000 queries; in l1 APGD-CE five times and
///   APGD-T for five targets, both with larger radii at first.
/// - `plus`: APGD-CE, APGD-DLR and FAB five times, Square, APGD-T, FAB-T.
/// - `rand`, for models with random numbers of their own: APGD-CE and APGD-DLR with gradients over 20 draws.
///
/// Attacks named one by one are those of `plus`. As in the official code the settings for l1 belong to `standard` alone.
public final class AttackList {

    /// The attacks that have names.
    public static final List<String> ATTACKS = List.of("fgsm", "pgd", "apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square");
    /// The ensembles.
    public static final List<String> ENSEMBLES = List.of("standard", "plus", "rand");

    /// How often `apgd-ce`, `apgd-dlr` and `fab` run by themselves and in `plus`.
    public static final int RESTARTS = 5;

    private static final int L1_TARGETS = 5;
    private static final int RAND_DRAWS = 20;

    private AttackList() {}

    /// What is told apart from the defaults of the attacks; empty for the default.
    ///
    /// @param pgd        options of projected gradient descent
    /// @param iterations steps of APGD and FAB
    /// @param restarts   restarts of APGD, FAB and Square (for each target)
    /// @param targets    classes that targeted attacks aim at
    /// @param queries    of Square
    /// @param draws      passes whose mean is the gradient of APGD
    public record Settings(PgdOptions pgd, OptionalInt iterations, OptionalInt restarts, OptionalInt targets, OptionalInt queries,
            OptionalInt draws) {

        /// The defaults of all attacks.
        public static final Settings DEFAULT = new Settings(PgdOptions.DEFAULT, OptionalInt.empty(), OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty(), OptionalInt.empty());
    }

    /// The attacks of a list of names and ensembles, in its order.
    ///
    /// @throws IllegalArgumentException if a name is unknown
    public static List<Attack> of(List<String> names, ThreatModel.Ball ball, Settings settings) {
        List<Attack> attacks = new ArrayList<>();
        for (String name : names) {
            switch (name.strip().toLowerCase(Locale.ROOT)) {
                case "standard" -> attacks.addAll(standard(ball, settings));
                case "plus" -> attacks.addAll(plus(settings));
                case "rand" -> attacks.addAll(rand(settings));
                case String one -> attacks.add(one(one, settings));
            }
        }
        return attacks;
    }

    private static Attack one(String name, Settings settings) {
        return switch (name) {
            case "fgsm" -> new Fgsm();
            case "pgd" -> new Pgd(settings.pgd());
            case "apgd-ce" -> apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withRestarts(RESTARTS), settings);
            case "apgd-dlr" -> apgd(ApgdOptions.of(ApgdOptions.Variant.DLR).withRestarts(RESTARTS), settings);
            case "apgd-t" -> apgd(ApgdOptions.of(ApgdOptions.Variant.TARGETED), settings);
            case "fab" -> fab(FabOptions.UNTARGETED.withRestarts(RESTARTS), settings);
            case "fab-t" -> fab(FabOptions.TARGETED, settings);
            case "square" -> square(settings);
            default -> throw new IllegalArgumentException("there is no attack '" + name + "'; known attacks: " + String.join(", ", ATTACKS)
                    + "; known ensembles: " + String.join(", ", ENSEMBLES));
        };
    }

    private static List<Attack> standard(ThreatModel.Ball ball, Settings settings) {
        ApgdOptions untargeted = ApgdOptions.of(ApgdOptions.Variant.CE);
        ApgdOptions targeted = ApgdOptions.of(ApgdOptions.Variant.TARGETED);
        if (ball == ThreatModel.Ball.L1) {
            untargeted = untargeted.withRestarts(RESTARTS).withLargeFirst(true);
            targeted = targeted.withTargets(L1_TARGETS).withLargeFirst(true);
        }
        return List.of(apgd(untargeted, settings), apgd(targeted, settings), fab(FabOptions.TARGETED, settings), square(settings));
    }

    private static List<Attack> plus(Settings settings) {
        return Stream.of("apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t").map(name -> one(name, settings)).toList();
    }

    private static List<Attack> rand(Settings settings) {
        return Stream.of(ApgdOptions.Variant.CE, ApgdOptions.Variant.DLR)
                .map(variant -> apgd(ApgdOptions.of(variant).withDraws(RAND_DRAWS), settings)).toList();
    }

    /// @param usual what holds where the settings say nothing
    private static Attack apgd(ApgdOptions usual, Settings settings) {
        return new Apgd(usual.withRestarts(settings.restarts().orElse(usual.restarts()))
                .withTargets(settings.targets().orElse(usual.targets()))
                .withIterations(settings.iterations().orElse(usual.iterations()))
                .withDraws(settings.draws().orElse(usual.draws())));
    }

    private static Attack fab(FabOptions options, Settings settings) {
        return new Fab(options.withRestarts(settings.restarts().orElse(options.restarts()))
                .withTargets(settings.targets().orElse(options.targets()))
                .withIterations(settings.iterations().orElse(options.iterations())));
    }

    private static Attack square(Settings settings) {
        SquareOptions options = SquareOptions.DEFAULT;
        return new Square(options.withQueries(settings.queries().orElse(options.queries()))
                .withRestarts(settings.restarts().orElse(options.restarts())));
    }
}
