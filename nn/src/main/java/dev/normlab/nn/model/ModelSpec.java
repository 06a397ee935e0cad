package dev.normlab.nn.model;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/// Which model to build.
///
/// @param name    one of [Models#names()]; other ways to write it are understood
/// @param width   factor for all channel counts but those of the input and the classes
/// @param classes number of outputs
/// @param head    the last layer
/// @param options the model's own options that differ from their defaults, see [Models#options]
public record ModelSpec(String name, double width, int classes, Head head, Map<String, Double> options) {

    private static final double MAX_WIDTH = 16;
    private static final int DEFAULT_CLASSES = 10;
    private static final int MAX_CLASSES = 100_000;

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if the name is unknown or a value is out of range; the message says what is valid
    public ModelSpec {
        name = ModelNames.canonical(name);
        if (!(width > 0 && width <= MAX_WIDTH)) {
            throw new IllegalArgumentException("the model's width is a factor above 0 and at most 16, but got " + width);
        }
        if (classes < 1 || classes > MAX_CLASSES) {
            throw new IllegalArgumentException("the model's number of classes lies between 1 and " + MAX_CLASSES + ", but got " + classes);
        }
        Map<String, Double> defaults = Models.options(name);
        Map<String, Double> chosen = new TreeMap<>();
        String model = name;
        options.forEach((key, value) -> {
            if (!defaults.containsKey(key)) {
                throw new IllegalArgumentException(unknownOption(model, key));
            }
            if (!(value >= 0 && value < 1)) {
                throw new IllegalArgumentException("the model option " + key + " is a rate of at least 0 and below 1, but got " + value);
            }
            if (!value.equals(defaults.get(key))) {
                chosen.put(key, value);
            }
        });
        options = Collections.unmodifiableMap(chosen);
    }

    /// A model with its default options.
    ///
    /// @throws IllegalArgumentException as the first constructor
    public ModelSpec(String name, double width, int classes, Head head) {
        this(name, width, classes, head, Map.of());
    }

    /// A model with a linear head.
    ///
    /// @throws IllegalArgumentException as the first constructor
    public ModelSpec(String name, double width, int classes) {
        this(name, width, classes, Head.LINEAR);
    }

    /// The specification written as `vgg11` or `vgg11:width=0.25,classes=10,head=cosine`; the width is 1, there are 10 classes and the head
    /// is linear unless it says otherwise.
    ///
    /// @throws IllegalArgumentException if the text is no specification; the message says what is valid
    public static ModelSpec parse(String text) {
        int colon = text.indexOf(':');
        String name = ModelNames.canonical((colon < 0 ? text : text.substring(0, colon)).strip());
        double width = 1;
        int classes = DEFAULT_CLASSES;
        Head head = Head.LINEAR;
        Map<String, Double> own = new TreeMap<>();
        for (String option : colon < 0 ? new String[0] : text.substring(colon + 1).split(",", -1)) {
            int equals = option.indexOf('=');
            String key = (equals < 0 ? option : option.substring(0, equals)).strip();
            String value = equals < 0 ? "" : option.substring(equals + 1).strip();
            try {
                switch (key) {
                    case "width" -> width = Double.parseDouble(value);
                    case "classes" -> classes = Integer.parseInt(value);
                    case "head" -> head = Head.parse(value);
                    default -> {
                        if (!Models.options(name).containsKey(key)) {
                            throw new IllegalArgumentException(unknownOption(name, key));
                        }
                        own.put(key, Double.parseDouble(value));
                    }
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "the model option " + key + " needs a number, but got '" + value + "' (in '" + text + "')", e);
            }
        }
        return new ModelSpec(name, width, classes, head, own);
    }

    private static String unknownOption(String name, String key) {
        StringBuilder own = new StringBuilder();
        Models.options(name).keySet().forEach(option -> own.append(", ").append(option).append("=RATE"));
        return "a model has no option '" + key + "' (" + name + "); valid are width=FACTOR, classes=COUNT and head=linear or cosine" + own
                + ", for example " + name + ":width=0.25,classes=10";
    }

    /// The same model with another number of classes.
    public ModelSpec withClasses(int count) {
        return new ModelSpec(name, width, count, head, options);
    }

    /// The value of one of the model's own options.
    double option(String key) {
        Double value = options.get(key);
        return value == null ? Objects.requireNonNull(Models.options(name).get(key), key) : value;
    }

    /// A channel count times the width: the nearest multiple of `multiple`, at least one of it.
    int scaled(int channels, int multiple) {
        return (int) Math.max(multiple, Math.round(channels * width / multiple) * multiple);
    }

    /// The shortest text from which [#parse] makes this specification: `vgg11`, or `vgg11:width=0.25`.
    public String shortText() {
        StringBuilder text = new StringBuilder();
        if (width != 1) {
            text.append(",width=").append(width);
        }
        if (classes != DEFAULT_CLASSES) {
            text.append(",classes=").append(classes);
        }
        return name + appendOthers(text).toString().replaceFirst(",", ":");
    }

    /// The text from which [#parse] makes this specification, with width and classes.
    @Override
    public String toString() {
        return appendOthers(new StringBuilder(name + ":width=" + width + ",classes=" + classes)).toString();
    }

    private StringBuilder appendOthers(StringBuilder text) {
        if (head != Head.LINEAR) {
            text.append(",head=").append(head.label());
        }
        options.forEach((key, value) -> text.append(",").append(key).append("=").append(value));
        return text;
    }
}
