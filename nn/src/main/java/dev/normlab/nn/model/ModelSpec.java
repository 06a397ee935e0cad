package dev.normlab.nn.model;

import java.util.Locale;

/// Which model to build.
///
/// @param name    one of [Models#names()]
/// @param width   factor for all channel counts but those of the input and the classes
/// @param classes number of outputs
/// @param head    the last layer
public record ModelSpec(String name, double width, int classes, Head head) {

    private static final double MAX_WIDTH = 16;
    private static final int MAX_CLASSES = 100_000;

    /// @throws IllegalArgumentException if the name is unknown or a value is out of range; the message says what is valid
    public ModelSpec {
        if (!Models.names().contains(name)) {
            throw new IllegalArgumentException("there is no model '" + name + "'; known models: " + String.join(", ", Models.names()));
        }
        if (!(width > 0 && width <= MAX_WIDTH)) {
            throw new IllegalArgumentException("the model's width is a factor above 0 and at most 16, but got " + width);
        }
        if (classes < 1 || classes > MAX_CLASSES) {
            throw new IllegalArgumentException("the model's number of classes lies between 1 and " + MAX_CLASSES + ", but got " + classes);
        }
    }

    /// A model with a linear head.
    ///
    /// @throws IllegalArgumentException as the other constructor
    public ModelSpec(String name, double width, int classes) {
        this(name, width, classes, Head.LINEAR);
    }

    /// The specification written as `vgg11` or `vgg11:width=0.25,classes=10,head=cosine`; the width is 1, there are 10 classes and the head
    /// is linear unless it says otherwise.
    ///
    /// @throws IllegalArgumentException if the text is no specification; the message says what is valid
    public static ModelSpec parse(String text) {
        int colon = text.indexOf(':');
        String name = (colon < 0 ? text : text.substring(0, colon)).strip().toLowerCase(Locale.ROOT);
        double width = 1;
        int classes = 10;
        Head head = Head.LINEAR;
        for (String option : colon < 0 ? new String[0] : text.substring(colon + 1).split(",", -1)) {
            int equals = option.indexOf('=');
            String key = (equals < 0 ? option : option.substring(0, equals)).strip();
            String value = equals < 0 ? "" : option.substring(equals + 1).strip();
            try {
                switch (key) {
                    case "width" -> width = Double.parseDouble(value);
                    case "classes" -> classes = Integer.parseInt(value);
                    case "head" -> head = Head.parse(value);
                    default -> throw new IllegalArgumentException(
                            "a model has no option '" + key + "' (in '" + text + "'); valid are width=FACTOR, "
                                    + "classes=COUNT and head=linear or cosine, for example " + name + ":width=0.25,classes=10");
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "the model option " + key + " needs a number, but got '" + value + "' (in '" + text + "')", e);
            }
        }
        return new ModelSpec(name, width, classes, head);
    }

    /// The same model with another number of classes.
    public ModelSpec withClasses(int count) {
        return new ModelSpec(name, width, count, head);
    }

    /// A channel count times the width: the nearest multiple of `multiple`, at least one of it.
    int scaled(int channels, int multiple) {
        return (int) Math.max(multiple, Math.round(channels * width / multiple) * multiple);
    }

    /// The text from which [#parse] makes this specification.
    @Override
    public String toString() {
        return name + ":width=" + width + ",classes=" + classes + (head == Head.LINEAR ? "" : ",head=" + head.label());
    }
}
