package dev.normlab.experiments.cli;

import dev.normlab.attacks.HypersphereEmbedding;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.experiments.run.AdversarialSettings;
import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.UserError;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How adversarial images are made in training, where it differs from the method.
final class AdversarialOptions {

    @Option(names = "--adv-norm", paramLabel = "NORM",
            description = "Norm of the perturbation in adversarial training: linf (default) or l2.")
    private @Nullable String norm;

    @Option(names = "--adv-eps", paramLabel = "EPS",
            description = "Largest perturbation in adversarial training, for example 8/255 (default: 0.031 in linf, 0.5 in l2).")
    private @Nullable String eps;

    @Option(names = "--adv-step", paramLabel = "STEP",
            description = "Length of a step of the perturbation (default: 0.007 in linf, 0.1 in l2).")
    private @Nullable String step;

    @Option(names = "--adv-steps", paramLabel = "N", description = "Steps of the perturbation for every batch (default: 10).")
    private @Nullable Integer steps;

    @Option(names = "--adv-beta", paramLabel = "BETA",
            description = "Weight of the term of trades and alp that ties clean and adversarial outputs together (default: 1).")
    private @Nullable Float beta;

    @Option(names = "--he-scale", paramLabel = "S", description = "Scale of the cosines in pgd-he, trades-he, alp-he (default: 15).")
    private @Nullable Float scale;

    @Option(names = "--he-margin", paramLabel = "M", description = "Margin of the true class in pgd-he, trades-he, alp-he (default: 0.2).")
    private @Nullable Float margin;

    /// The options that were given, by name.
    Map<String, Object> given() {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("--adv-norm", norm);
        all.put("--adv-eps", eps);
        all.put("--adv-step", step);
        all.put("--adv-steps", steps);
        all.put("--adv-beta", beta);
        all.put("--he-scale", scale);
        all.put("--he-margin", margin);
        Map<String, Object> given = new LinkedHashMap<>();
        all.forEach((name, value) -> {
            if (value != null) {
                given.put(name, value);
            }
        });
        return given;
    }

    /// The settings of a method with these options in the place of its own.
    ///
    /// @throws UserError if an option does not belong to the method, or a value is out of range
    Optional<AdversarialSettings> of(Method method) {
        if (method.adversarial().isEmpty()) {
            given().keySet().stream().findFirst().ifPresent(option -> {
                throw UserError.usage(option + ": the method " + method.name() + " trains on no adversarial images; choose one of "
                        + String.join(", ", Method.adversarialNames()));
            });
            return Optional.empty();
        }
        AdversarialSettings bundle = method.adversarial().get();
        if (beta != null && !bundle.loss().pairs()) {
            throw UserError.usage("--adv-beta: the loss of " + method.name() + " has no weight beta; trades and alp have one");
        }
        if (bundle.embedding().isEmpty() && (scale != null || margin != null)) {
            throw UserError.usage((scale != null ? "--he-scale" : "--he-margin") + ": the method " + method.name()
                    + " has no hypersphere embedding; choose pgd-he, trades-he or alp-he");
        }
        AdversarialSettings base = norm == null ? bundle : bundle.in(ball(norm));
        return Optional.of(new AdversarialSettings(base.loss(), base.norm(),
                eps == null ? base.eps() : Fractions.positive("--adv-eps", eps),
                step == null ? base.step() : Fractions.positive("--adv-step", step), steps == null ? base.steps() : steps,
                beta == null ? base.beta() : beta, base.embedding().map(this::overridden)));
    }

    private HypersphereEmbedding overridden(HypersphereEmbedding bundle) {
        float s = Objects.requireNonNullElse(scale, bundle.scale());
        float m = Objects.requireNonNullElse(margin, bundle.margin());
        if (!(s > 0 && s <= 1e6f)) {
            throw UserError.usage("--he-scale: expected a number above 0 and at most 1e6, but got " + s);
        }
        if (!(m >= 0 && m <= 2)) {
            throw UserError.usage("--he-margin: expected a number from 0 to 2, the largest difference of cosines, but got " + m);
        }
        return new HypersphereEmbedding(s, m);
    }

    private static ThreatModel.Ball ball(String label) {
        return switch (label) {
            case "linf" -> ThreatModel.Ball.LINF;
            case "l2" -> ThreatModel.Ball.L2;
            default -> throw UserError.usage("--adv-norm: expected linf or l2, but got '" + label + "'");
        };
    }
}
