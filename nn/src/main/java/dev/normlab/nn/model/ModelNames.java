package dev.normlab.nn.model;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// How people write the names of models: upper or lower case, with or without hyphens, underscores and dots, and under other names.
public final class ModelNames {

    // Written as [#squeezed] leaves them.
    private static final Map<String, String> OTHER_NAMES = new TreeMap<>(Map.ofEntries(Map.entry("wideresnet2810", "wrn28-10"),
            Map.entry("wideresnet3410", "wrn34-10"), Map.entry("wideresnet3420", "wrn34-20"), Map.entry("mobilenetv1", "mobilenet"),
            Map.entry("shufflenetv2", "shufflenetv2_1"), Map.entry("shufflenetv2x05", "shufflenetv2_0.5"),
            Map.entry("shufflenetv2x1", "shufflenetv2_1"), Map.entry("shufflenetv2x10", "shufflenetv2_1"),
            Map.entry("shufflenetv2x15", "shufflenetv2_1.5"), Map.entry("shufflenetv2x2", "shufflenetv2_2"),
            Map.entry("shufflenetv2x20", "shufflenetv2_2"), Map.entry("lenet5", "lenet"), Map.entry("vgg11bn", "vgg11"),
            Map.entry("vgg13bn", "vgg13"), Map.entry("vgg16bn", "vgg16"), Map.entry("vgg19bn", "vgg19"),
            Map.entry("inceptionv1", "googlenet"), Map.entry("regnetx002", "regnetx200mf"), Map.entry("regnetx004", "regnetx400mf"),
            Map.entry("regnety004", "regnety400mf"), Map.entry("preresnet18", "preactresnet18"), Map.entry("preresnet34", "preactresnet34"),
            Map.entry("preresnet50", "preactresnet50"), Map.entry("preresnet101", "preactresnet101"),
            Map.entry("preresnet152", "preactresnet152")));

    private static final int SUGGESTIONS = 3;

    private ModelNames() {}

    /// The name in [Models#names] that is meant.
    ///
    /// @throws IllegalArgumentException if there is none; the message has the nearest names
    static String canonical(String text) {
        String squeezed = squeezed(text);
        for (String name : Models.names()) {
            if (squeezed(name).equals(squeezed)) {
                return name;
            }
        }
        String name = OTHER_NAMES.get(squeezed);
        if (name == null) {
            List<String> near = nearest(squeezed);
            throw new IllegalArgumentException("there is no model '" + text + "'; " + (near.isEmpty()
                    ? "known models: " + String.join(", ", Models.names())
                    : "did you mean " + either(near) + "? The command 'models' lists all " + Models.names().size()));
        }
        return name;
    }

    /// Other names of a model, without hyphens, underscores and dots.
    public static List<String> others(String name) {
        return OTHER_NAMES.entrySet().stream().filter(entry -> entry.getValue().equals(name)).map(Map.Entry::getKey).toList();
    }

    static String squeezed(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll("[-_. ]", "");
    }

    /// The models whose names need the fewest changes, nearest first; none if that would be more than a third of the letters.
    private static List<String> nearest(String squeezed) {
        Map<String, Integer> distances = new LinkedHashMap<>();
        Models.names().forEach(name -> distances.put(name, distance(squeezed, squeezed(name))));
        OTHER_NAMES.forEach((other, name) -> distances.merge(name, distance(squeezed, other), Math::min));
        int most = Math.max(2, squeezed.length() / 3);
        return distances.entrySet().stream().filter(entry -> entry.getValue() <= most)
                .sorted(Map.Entry.comparingByValue(Comparator.naturalOrder())).limit(SUGGESTIONS).map(Map.Entry::getKey).toList();
    }

    /// How many letters have to be changed, added or removed (Levenshtein 1966).
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    private static String either(List<String> names) {
        return names.size() == 1
                ? names.getFirst()
                : String.join(", ", names.subList(0, names.size() - 1)) + " or " + names.getLast();
    }
}
