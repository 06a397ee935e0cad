package dev.normlab.experiments.study;

import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.UserError;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// A method that a study compares: a bundle of `train`, with options that override it, at one or several strengths.
///
/// @param name      in tables and figures
/// @param base      the bundle
/// @param options   options of `train` by their names in run folders, such as `norm_decay`; [#PLACEHOLDER] stands for the strength
/// @param strengths none for a method that has no strength
public record StudyMethod(String name, Method base, Map<String, String> options, List<Strength> strengths) {

    /// What stands for the strength in an option.
    static final String PLACEHOLDER = "{}";

    static final List<String> KEYS = List.of("name", "base");
    static final List<String> OPTIONAL = List.of("options", "strengths");

    /// What is said elsewhere in a study.
    private static final List<String> ELSEWHERE = List.of("model", "data", "limit", "method", "init", "conv", "seed", "adv_loss");

    /// Copies the collections and keeps their order.
    public StudyMethod {
        options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
        strengths = List.copyOf(strengths);
    }

    static StudyMethod of(ConfigNode in) {
        String name = in.text("name");
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9+._-]*")) {
            throw UserError.usage(in.path("name") + ": expected a word of letters, digits, dots, + and hyphens, but got '" + name + "'");
        }
        Method base = in.checked("base", () -> StudyConfig.bundle(in.text("base")));
        Map<String, String> options = in.has("options") ? in.entries("options") : Map.of();
        List<Strength> strengths = in.has("strengths") ? in.numbers("strengths").stream().map(Strength::new).toList() : List.of();
        StudyMethod method = new StudyMethod(name, base, options, strengths);
        in.checked(in.has("options") ? "options" : "name", method::requireUse);
        return method;
    }

    /// Fails where a strength would have no effect, or there is none for the place that waits for it.
    private StudyMethod requireUse() {
        boolean used = options.values().stream().anyMatch(value -> value.contains(PLACEHOLDER));
        if (used && strengths.isEmpty()) {
            throw UserError.usage("the place " + PLACEHOLDER + " waits for a strength, but the method has no key 'strengths'");
        }
        if (!used && !strengths.isEmpty()) {
            throw UserError.usage("the method has strengths, but no option with " + PLACEHOLDER + " in their place, for example "
                    + "norm_decay: l1:" + PLACEHOLDER);
        }
        return this;
    }

    /// The strengths of the runs: one without any if the method has none.
    List<Optional<Strength>> levels() {
        return strengths.isEmpty() ? List.of(Optional.empty()) : strengths.stream().map(Optional::of).toList();
    }

    /// The settings of a run.
    ///
    /// @param common what the bundle is put into
    /// @throws UserError if an option is unknown, or a value out of range
    TrainingSettings settings(TrainingSettings common, Optional<Strength> strength) {
        Map<String, String> given = new LinkedHashMap<>();
        String number = strength.map(one -> Double.toString(one.value())).orElse("");
        options.forEach((key, value) -> given.put(key, value.replace(PLACEHOLDER, number)));
        Map<String, String> map = common.toMap();
        if (given.containsKey("svc")) {
            map.put("svc", given.get("svc"));
            map = TrainingSettings.parse(map).toMap(); // adds what belongs to clipping
        }
        List<String> known = new ArrayList<>(map.keySet());
        known.removeAll(ELSEWHERE);
        for (Map.Entry<String, String> option : given.entrySet()) {
            if (!known.contains(option.getKey())) {
                throw UserError.usage("'" + option.getKey() + "' is no option of the method " + base.name()
                        + Nearest.hint(option.getKey(), known) + "; known: " + String.join(", ", known));
            }
            map.put(option.getKey(), option.getValue().contains("/") && option.getKey().startsWith("adv_")
                    ? Float.toString(Fractions.positive(option.getKey(), option.getValue()))
                    : option.getValue());
        }
        try {
            return TrainingSettings.parse(map);
        } catch (UserError e) {
            throw UserError.usage(String.valueOf(e.getMessage()));
        }
    }

    /// Everything about the method as one text.
    String describe() {
        String all = options.entrySet().stream().map(option -> option.getKey() + " " + option.getValue()).collect(Collectors.joining(", "));
        String levels = strengths.stream().map(Strength::toString).collect(Collectors.joining(", "));
        return base.name() + (all.isEmpty() ? "" : " with " + all) + (levels.isEmpty() ? "" : " for " + levels);
    }
}
