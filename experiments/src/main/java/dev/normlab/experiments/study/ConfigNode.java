package dev.normlab.experiments.study;

import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A section of a study's configuration, with the keys that it must and may have. Everything that is not as expected is an error that
/// names the key, where it is, and what was expected.
final class ConfigNode {

    private final ObjectNode node;
    private final String source;
    private final String place;

    private ConfigNode(ObjectNode node, String source, String place) {
        this.node = node;
        this.source = source;
        this.place = place;
    }

    /// The whole configuration.
    ///
    /// @throws UserError if keys are unknown or missing
    static ConfigNode of(ConfigTree tree, List<String> required, List<String> optional) {
        return new ConfigNode(tree.root(), tree.source(), "").requireKeys(required, optional);
    }

    private ConfigNode requireKeys(List<String> required, List<String> optional) {
        List<String> known = Stream.concat(required.stream(), optional.stream()).toList();
        List<String> unknown = node.propertyNames().stream().filter(key -> !known.contains(key)).toList();
        if (!unknown.isEmpty()) {
            throw error(
                    "there is no key '" + unknown.getFirst() + "'" + where() + Nearest.hint(unknown.getFirst(), known) + "; known keys: "
                            + String.join(", ", known));
        }
        for (String key : required) {
            if (!node.has(key)) {
                throw error("the key '" + key + "' is missing" + where() + "; needed are " + String.join(", ", required));
            }
        }
        return this;
    }

    private String where() {
        return place.isEmpty() ? " at the top" : " in " + place;
    }

    private UserError error(String message) {
        return UserError.usage(source + ": " + message);
    }

    private UserError wrong(String key, String expected) {
        JsonNode value = node.get(key);
        return error(path(key) + ": expected " + expected + ", but got " + (value.isContainer() ? kind(value) : value.toString()));
    }

    /// The key with the sections that it is in.
    String path(String key) {
        return place.isEmpty() ? key : place + "." + key;
    }

    /// What kind of value it is, in words.
    static String kind(JsonNode value) {
        if (value.isArray()) {
            return "a list";
        }
        return value.isObject() ? "a section with keys" : value.toString();
    }

    boolean has(String key) {
        return node.has(key);
    }

    String text(String key) {
        JsonNode value = node.get(key);
        if (value.isContainer() || value.isNull() || value.asString().isBlank()) {
            throw wrong(key, "a text");
        }
        return value.asString();
    }

    Optional<String> optionalText(String key) {
        return has(key) ? Optional.of(text(key)) : Optional.empty();
    }

    /// A whole number of at least `least`.
    int count(String key, int least) {
        JsonNode value = node.get(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < least) {
            throw wrong(key, "a whole number of at least " + least);
        }
        return value.intValue();
    }

    long whole(String key) {
        JsonNode value = node.get(key);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(key, "a whole number");
        }
        return value.longValue();
    }

    double number(String key) {
        JsonNode value = node.get(key);
        if (!value.isNumber()) {
            throw wrong(key, "a number");
        }
        return value.doubleValue();
    }

    boolean flag(String key) {
        JsonNode value = node.get(key);
        if (!value.isBoolean()) {
            throw wrong(key, "true or false");
        }
        return value.booleanValue();
    }

    /// A list of at least one text.
    List<String> texts(String key) {
        List<String> texts = new ArrayList<>();
        for (JsonNode value : list(key, "texts")) {
            if (value.isContainer() || value.isNull() || value.asString().isBlank()) {
                throw wrong(key, "a list of texts");
            }
            texts.add(value.asString());
        }
        return texts;
    }

    /// A list of at least one number.
    List<Double> numbers(String key) {
        List<Double> numbers = new ArrayList<>();
        for (JsonNode value : list(key, "numbers")) {
            if (!value.isNumber()) {
                throw error(path(key) + ": expected a list of numbers, but " + value + " is none");
            }
            numbers.add(value.doubleValue());
        }
        return numbers;
    }

    private ArrayNode list(String key, String of) {
        if (!(node.get(key) instanceof ArrayNode list) || list.isEmpty()) {
            throw wrong(key, "a list of at least one entry (" + of + ")");
        }
        return list;
    }

    /// A section inside.
    ConfigNode section(String key, List<String> required, List<String> optional) {
        if (!(node.get(key) instanceof ObjectNode section)) {
            throw wrong(key, "a section with the keys " + String.join(", ", required));
        }
        return new ConfigNode(section, source, path(key)).requireKeys(required, optional);
    }

    /// A list of sections.
    ///
    /// @param nameKey the key whose value names a section in messages
    List<ConfigNode> sections(String key, String nameKey, List<String> required, List<String> optional) {
        List<ConfigNode> sections = new ArrayList<>();
        for (JsonNode value : list(key, "sections with keys")) {
            if (!(value instanceof ObjectNode section)) {
                throw error(path(key) + ": expected sections with the keys " + String.join(", ", required) + ", but got " + kind(value));
            }
            JsonNode name = section.get(nameKey);
            String inside = path(key) + "[" + (name == null || name.isContainer() ? sections.size() + 1 : name.asString()) + "]";
            sections.add(new ConfigNode(section, source, inside).requireKeys(required, optional));
        }
        return sections;
    }

    /// A section whose keys are names with texts, numbers or true and false as values.
    Map<String, String> entries(String key) {
        Map<String, String> entries = new LinkedHashMap<>();
        if (!(node.get(key) instanceof ObjectNode section)) {
            throw wrong(key, "a section with keys");
        }
        section.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            if (value.isContainer() || value.isNull()) {
                throw error(path(key) + "." + entry.getKey() + ": expected a text or a number, but got " + kind(value));
            }
            entries.put(entry.getKey(), value.asString());
        });
        return entries;
    }

    /// Does what may refuse values of this section, and says of a refusal where they are.
    <T> T checked(String key, Supplier<T> work) {
        try {
            return work.get();
        } catch (UserError | IllegalArgumentException e) {
            throw error(path(key) + ": " + e.getMessage());
        }
    }
}
