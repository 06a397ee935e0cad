package dev.normlab.experiments.run;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Finds what somebody may have meant.
public final class Nearest {

    private Nearest() {}

    /// ` (did you mean 'epochs'?)` if [#of] finds one, else nothing.
    public static String hint(String word, List<String> known) {
        return of(word, known).map(one -> " (did you mean '" + one + "'?)").orElse("");
    }

    /// The known word that begins with this one, or that is nearest if it is near enough.
    public static Optional<String> of(String word, List<String> known) {
        String said = plain(word);
        return known.stream().filter(one -> !said.isBlank() && plain(one).startsWith(said)).findFirst()
                .or(() -> known.stream().filter(one -> distance(said, plain(one)) <= most(said))
                        .min(Comparator.comparingInt(one -> distance(said, plain(one)))));
    }

    private static String plain(String word) {
        return word.toLowerCase(Locale.ROOT).replace('-', '_');
    }

    // Changes that are taken for errors of typing: two, or a third of the letters; of short words at most half of the letters.
    private static int most(String word) {
        return Math.max(word.length() / 3, Math.min(2, word.length() / 2));
    }

    /// The number of letters to insert, delete, replace or swap with a neighbour (optimal string alignment).
    static int distance(String a, String b) {
        int[] before = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int[] next = new int[b.length() + 1];
            next[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                boolean same = a.charAt(i - 1) == b.charAt(j - 1);
                next[j] = Math.min(Math.min(next[j - 1], row[j]) + 1, row[j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    next[j] = Math.min(next[j], before[j - 2] + 1);
                }
            }
            before = row;
            row = next;
        }
        return row[b.length()];
    }
}
