package dev.normlab.nn.layer;

import java.util.List;

/// Says that values do not fit a model, and lists all differences. The model is unchanged then.
public final class StateDictException extends IllegalArgumentException {

    private static final int LISTED = 8;

    /// Names the model has and the values lack.
    private final List<String> missing;
    /// Names the model lacks.
    private final List<String> unexpected;
    /// Names whose shapes differ, with both shapes.
    private final List<String> misshapen;

    /// The names that do not fit.
    ///
    /// @param missing    names the model has and the values lack
    /// @param unexpected names the model lacks
    /// @param misshapen  names with both shapes
    public StateDictException(String source, List<String> missing, List<String> unexpected, List<String> misshapen) {
        super(message(source, missing, unexpected, misshapen));
        this.missing = List.copyOf(missing);
        this.unexpected = List.copyOf(unexpected);
        this.misshapen = List.copyOf(misshapen);
    }

    private static String message(String source, List<String> missing, List<String> unexpected, List<String> misshapen) {
        return "the weights in " + source + " do not fit the model; are they of another model, width or number of classes?"
                + part("missing", missing)
                + part("unexpected", unexpected) + part("of another shape or type", misshapen);
    }

    private static String part(String what, List<String> names) {
        if (names.isEmpty()) {
            return "";
        }
        String more = names.size() > LISTED ? ", and " + (names.size() - LISTED) + " more" : "";
        return "\n  " + what + " (" + names.size() + "): " + String.join(", ", names.subList(0, Math.min(LISTED, names.size()))) + more;
    }

    /// Names the model has and the values lack.
    public List<String> missing() {
        return missing;
    }

    /// Names the model lacks.
    public List<String> unexpected() {
        return unexpected;
    }

    /// Names with both shapes, for example `classifier.weight [10, 512], but got [100, 512]`.
    public List<String> misshapen() {
        return misshapen;
    }
}
