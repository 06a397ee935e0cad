package dev.normlab.experiments.plot;

import java.util.ArrayList;
import java.util.List;

/// The remarks under a figure about values that are not in it.
final class Notes {

    private Notes() {}

    /// @param hidden the number of values that the axes cannot show
    /// @param outside the number of values beyond the axes' limits
    /// @param logarithmic whether an axis is logarithmic
    static List<String> of(long hidden, long outside, boolean logarithmic) {
        List<String> notes = new ArrayList<>();
        if (hidden > 0) {
            notes.add(count(hidden) + (hidden == 1 ? " is" : " are") + " not shown (missing, not finite" + (logarithmic
                    ? ", or not positive)."
                    : ")."));
        }
        if (outside > 0) {
            notes.add(count(outside) + (outside == 1 ? " lies" : " lie") + " outside the axes.");
        }
        return notes;
    }

    /// @param missing the number of bars that are not there
    /// @param why     what that means, such as `not measured`
    static List<String> absent(long missing, String why) {
        return missing == 0
                ? List.of()
                : List.of((missing == 1 ? "1 place is" : Numbers.integer(missing) + " places are") + " empty: " + why + ".");
    }

    private static String count(long values) {
        return Numbers.counted(values, "value", "values");
    }
}
