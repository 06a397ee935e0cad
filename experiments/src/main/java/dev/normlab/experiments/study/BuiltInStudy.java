package dev.normlab.experiments.study;

import java.util.List;

/// The studies that come with the program.
public final class BuiltInStudy {

    private static final String SMOKE = "-smoke";

    private BuiltInStudy() {}

    /// The names of the studies of training runs, each with the paper's setting.
    public static List<String> names() {
        return List.of("norm-regularization", "adversarial-training");
    }

    /// The name of the reduced configuration of a study.
    public static String smoke(String name) {
        return name + SMOKE;
    }

    /// The names of all configurations: of the studies and of their reduced forms.
    public static List<String> configurations() {
        return names().stream().flatMap(name -> List.of(name, smoke(name)).stream()).toList();
    }
}
