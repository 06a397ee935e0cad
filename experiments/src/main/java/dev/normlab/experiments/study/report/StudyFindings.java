package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.stats.MeanEstimate;
import dev.normlab.experiments.study.StudyMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// What came out of a study, as sentences that are computed and never assumed.
final class StudyFindings {

    private final StudyResults results;

    StudyFindings(StudyResults results) {
        this.results = results;
    }

    /// What every method did in comparison with the first, over all models and strengths.
    List<String> sentences() {
        List<String> sentences = new ArrayList<>();
        baselines().ifPresent(sentences::add);
        for (StudyMethod method : results.config().methods().subList(1, results.config().methods().size())) {
            List<SettingResult> settings = results.settings().stream()
                    .filter(one -> one.method().equals(method) && !one.finished().isEmpty() && results.baseline(one.model()).isPresent())
                    .toList();
            if (!settings.isEmpty()) {
                sentences.add(about(method, settings));
            }
        }
        if (results.diverged() > 0) {
            sentences.add(results.diverged() + " of " + results.plan().runs().size()
                    + " runs met NaN or infinity in training and have no result: " + String.join(", ", results.settings().stream()
                            .filter(one -> one.diverged() > 0).map(one -> one.model() + " " + one.name()).toList()) + ".");
        }
        if (results.open() > 0) {
            sentences.add(results.open() + " of " + results.plan().runs().size()
                    + " runs are not finished; what is said here is of the others.");
        }
        if (sentences.isEmpty()) {
            sentences.add("Nothing has been measured yet.");
        }
        return sentences;
    }

    private Optional<String> baselines() {
        List<String> parts = new ArrayList<>();
        for (String model : results.config().models()) {
            results.baseline(model).ifPresent(plain -> parts.add(model + " " + percent(plain.clean()) + " clean and " + percent(plain.robust())
                    + " under attack"));
        }
        return parts.isEmpty()
                ? Optional.empty()
                : Optional.of(results.config().methods().getFirst().name() + " networks: " + String.join(", ", parts) + ".");
    }

    private static String percent(Optional<MeanEstimate> estimate) {
        return estimate.map(one -> Numbers.percent(one.mean(), 1)).orElse(Numbers.MISSING);
    }

    private String about(StudyMethod method, List<SettingResult> settings) {
        String plain = results.config().methods().getFirst().name();
        double[] ratios = settings.stream().mapToDouble(one -> one.normSum(false).orElseThrow().mean()
                / baseline(one).normSum(false).orElseThrow().mean()).sorted().toArray();
        return method.name() + " (" + settings.size() + (settings.size() == 1 ? " setting" : " settings of model and strength")
                + "), against " + plain + ": sums of l1 norms of convolutions and linear layers "
                + range(Numbers.fixed(ratios[0], 2), Numbers.fixed(ratios[ratios.length - 1], 2)) + " times as large"
                + counted(settings, one -> one.normSum(false)) + "; clean accuracy " + points(settings, SettingResult::clean)
                + "; robust accuracy " + points(settings, SettingResult::robust) + ".";
    }

    private SettingResult baseline(SettingResult setting) {
        return results.baseline(setting.model()).orElseThrow();
    }

    private String points(List<SettingResult> settings, Function<SettingResult, Optional<MeanEstimate>> of) {
        double[] changes = settings.stream().mapToDouble(one -> 100 * difference(one, of).mean()).sorted().toArray();
        return range(signed(changes[0]), signed(changes[changes.length - 1])) + " points" + counted(settings, of);
    }

    private MeanEstimate difference(SettingResult setting, Function<SettingResult, Optional<MeanEstimate>> of) {
        return of.apply(setting).orElseThrow().minus(of.apply(baseline(setting)).orElseThrow());
    }

    /// In how many settings it is lower or higher, and where the interval of the difference over seeds leaves no doubt.
    private String counted(List<SettingResult> settings, Function<SettingResult, Optional<MeanEstimate>> of) {
        List<MeanEstimate> differences = settings.stream().map(one -> difference(one, of)).toList();
        long lower = differences.stream().filter(one -> one.mean() < 0).count();
        long higher = differences.stream().filter(one -> one.mean() > 0).count();
        String text = " (lower in " + lower + ", higher in " + higher + " of " + settings.size();
        if (results.config().seeds() > 1) {
            long surelyLower = differences.stream().filter(one -> one.isApartFromZero() && one.mean() < 0).count();
            long surelyHigher = differences.stream().filter(one -> one.isApartFromZero() && one.mean() > 0).count();
            text += "; 95% interval of the difference without 0: lower in " + surelyLower + ", higher in " + surelyHigher;
        }
        return text + ")";
    }

    private static String range(String low, String high) {
        return low.equals(high) ? low : low + " to " + high;
    }

    private static String signed(double value) {
        String text = Numbers.fixed(value, 1);
        return value > 0 && !text.equals("0.0") ? "+" + text : text;
    }
}
