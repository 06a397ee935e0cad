package dev.normlab.experiments.run;

/// Numbers that people write as fractions, such as `8/255`.
public final class Fractions {

    private Fractions() {}

    /// A number or a fraction of two.
    ///
    /// @throws UserError if it is neither
    public static float parse(String option, String text) {
        String[] parts = text.strip().split("/", -1);
        try {
            if (parts.length == 1) {
                return (float) Double.parseDouble(parts[0]);
            }
            if (parts.length == 2) {
                return (float) (Double.parseDouble(parts[0]) / Double.parseDouble(parts[1]));
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw UserError.usage(option + ": expected a number or a fraction such as 8/255, but got '" + text + "'");
    }

    /// As [#parse], above 0 and finite.
    ///
    /// @throws UserError if it is not
    public static float positive(String option, String text) {
        float value = parse(option, text);
        if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
            throw UserError.usage(option + ": expected a number above 0, but got '" + text + "'");
        }
        return value;
    }
}
