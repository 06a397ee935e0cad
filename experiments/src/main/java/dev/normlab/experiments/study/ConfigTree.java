package dev.normlab.experiments.study;

import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/// The YAML of a study before anyone asks what it means: a tree of keys, read from a file, laid over the tree that it extends, with single
/// values replaced.
///
/// @param root   the keys
/// @param source where they come from, for messages
public record ConfigTree(ObjectNode root, String source) {

    /// The key that names the configuration whose values hold where a file says nothing.
    static final String EXTENDS = "extends";

    private static final int MOST_LAYERS = 8;
    private static final YAMLMapper YAML = YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(YAMLWriteFeature.WRITE_DOC_START_MARKER).enable(YAMLWriteFeature.MINIMIZE_QUOTES)
            .enable(YAMLWriteFeature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS).build();

    /// A configuration that comes with the program.
    ///
    /// @param name one of [BuiltInStudy#names()], or with the ending `-smoke`
    /// @throws UserError if there is none of this name
    public static ConfigTree builtIn(String name) {
        return builtIn(name, MOST_LAYERS);
    }

    private static ConfigTree builtIn(String name, int layers) {
        List<String> known = BuiltInStudy.configurations();
        if (!known.contains(name)) {
            throw UserError.usage("there is no study '" + name + "'" + Nearest.hint(name, withSpeedTest(known)) + "; known: "
                    + String.join(", ", withSpeedTest(known)) + ", or a YAML file");
        }
        try (InputStream in = ConfigTree.class.getResourceAsStream(name + ".yaml")) {
            if (in == null) {
                throw new IllegalStateException("the program lacks its configuration " + name);
            }
            return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name + ".yaml", layers);
        } catch (IOException e) {
            throw new IllegalStateException("the program cannot read its configuration " + name, e);
        }
    }

    // It is a study to the user, and a command of its own.
    private static List<String> withSpeedTest(List<String> studies) {
        List<String> all = new ArrayList<>(studies);
        all.add("speed-test");
        return all;
    }

    /// The configuration in a file.
    ///
    /// @throws UserError   if it is not YAML, or extends what is not there
    /// @throws IOException if the file cannot be read
    public static ConfigTree read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw UserError.usage("there is no file " + file + "; expected one of the studies "
                    + String.join(", ", withSpeedTest(BuiltInStudy.names())) + ", or a YAML file"
                    + Nearest.hint(file.toString(), BuiltInStudy.names()));
        }
        return parse(Files.readString(file), file.toString(), MOST_LAYERS);
    }

    /// The configuration in a text.
    ///
    /// @param source where it comes from, for messages
    /// @throws UserError if it is not YAML, or extends what is not there
    public static ConfigTree parse(String text, String source) {
        return parse(text, source, MOST_LAYERS);
    }

    private static ConfigTree parse(String text, String source, int layers) {
        JsonNode node = tree(text, source);
        if (!(node instanceof ObjectNode object)) {
            throw UserError.usage(source + ": expected keys with values, such as 'name: my-study', but got "
                    + (node.isMissingNode() || node.isNull() ? "nothing" : ConfigNode.kind(node)));
        }
        JsonNode base = object.remove(EXTENDS);
        if (base == null) {
            return new ConfigTree(object, source);
        }
        if (!base.isString() || layers == 0) {
            throw UserError.usage(source + ": " + EXTENDS + ": expected the name of a study, one of "
                    + String.join(", ", BuiltInStudy.configurations()) + ", but got " + base);
        }
        try {
            ObjectNode under = builtIn(base.stringValue(), layers - 1).root;
            merge(under, object);
            return new ConfigTree(under, source);
        } catch (UserError e) {
            throw UserError.usage(source + ": " + EXTENDS + ": " + e.getMessage());
        }
    }

    private static JsonNode tree(String text, String source) {
        try {
            return YAML.readTree(text);
        } catch (JacksonException e) {
            String place = e.getLocation() == null || e.getLocation().getLineNr() < 1 ? "" : ", line " + e.getLocation().getLineNr();
            throw UserError.usage(source + place + ": this is no YAML: " + e.getOriginalMessage().lines().findFirst().orElse(""));
        }
    }

    /// Values of `over` take the place of those in `under`; of sections key by key.
    private static void merge(ObjectNode under, ObjectNode over) {
        for (Map.Entry<String, JsonNode> entry : over.properties()) {
            if (under.get(entry.getKey()) instanceof ObjectNode section && entry.getValue() instanceof ObjectNode values) {
                merge(section, values);
            } else {
                under.set(entry.getKey(), entry.getValue());
            }
        }
    }

    /// This tree with one value replaced.
    ///
    /// @param path  names of keys with dots between, for example `training.epochs`
    /// @param value in YAML
    /// @throws UserError if there is no such key, or the value is not YAML
    public ConfigTree with(String path, String value) {
        JsonNode parsed = tree(value, "the value of " + path);
        return with(path, parsed.isMissingNode() ? root.nullNode() : parsed);
    }

    /// This tree with one value replaced by a text that is not read as YAML.
    ///
    /// @throws UserError if there is no such key
    public ConfigTree withText(String path, String value) {
        return with(path, root.stringNode(value));
    }

    private ConfigTree with(String path, JsonNode value) {
        ObjectNode copy = root.deepCopy();
        ObjectNode section = copy;
        String[] names = path.split("\\.", -1);
        for (int i = 0; i < names.length; i++) {
            JsonNode found = section.get(names[i]);
            boolean last = i == names.length - 1;
            if (found == null || !last && !(found instanceof ObjectNode)) {
                List<String> paths = new ArrayList<>();
                paths("", root, paths);
                throw UserError.usage("--set: the configuration has no key '" + path + "'" + Nearest.hint(path, paths) + "; it has "
                        + String.join(", ", paths));
            }
            if (last) {
                section.set(names[i], value);
            } else {
                section = (ObjectNode) found;
            }
        }
        return new ConfigTree(copy, source);
    }

    /// This tree with only some entries of a list.
    ///
    /// @param keep whether an entry stays, by its place in the list
    ConfigTree keeping(String key, IntPredicate keep) {
        ObjectNode copy = root.deepCopy();
        ArrayNode kept = copy.putArray(key);
        JsonNode all = root.get(key);
        for (int i = 0; i < all.size(); i++) {
            if (keep.test(i)) {
                kept.add(all.get(i));
            }
        }
        return new ConfigTree(copy, source);
    }

    private static void paths(String prefix, ObjectNode section, List<String> found) {
        section.properties().forEach(entry -> {
            if (entry.getValue() instanceof ObjectNode inner) {
                paths(prefix + entry.getKey() + ".", inner, found);
            } else {
                found.add(prefix + entry.getKey());
            }
        });
    }

    /// The tree as YAML, everything written out.
    public String toYaml() {
        return YAML.writeValueAsString(root);
    }
}
