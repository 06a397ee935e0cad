package dev.normlab.experiments.store;

import java.io.IOException;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.InjectableValues;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;

/// The JSON dialect of run folders: keys in snake_case; unknown, missing and repeated keys are errors; a number that is not finite is
/// `null`, because JSON has no other word for it, and is read back as NaN.
public final class Json {

    private static final JsonMapper MAPPER = mapper(false);
    private static final JsonMapper INDENTED = mapper(true);

    /// What stands for a number that files of earlier versions lack: NaN.
    static final String UNMEASURED = "unmeasured";

    private Json() {}

    private static JsonMapper mapper(boolean indented) {
        SimpleModule numbers = new SimpleModule("finite numbers");
        numbers.addSerializer(double.class, new FiniteOrNull());
        numbers.addDeserializer(double.class, new NullAsNaN());
        return JsonMapper.builder().addModule(numbers).injectableValues(new InjectableValues.Std().addValue(UNMEASURED, Double.NaN))
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                        DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .configure(SerializationFeature.INDENT_OUTPUT, indented).build();
    }

    /// One value as JSON without line breaks.
    static String line(Object value) {
        return MAPPER.writeValueAsString(value);
    }

    /// One value as indented JSON, ending in a line break.
    public static String document(Object value) {
        return INDENTED.writeValueAsString(value) + "\n";
    }

    /// Reads a value.
    ///
    /// @param file the file that the text comes from, for messages
    /// @param line the number of the line that the text is, or 0 if it is the whole file
    /// @throws IOException if the text is not JSON, or not of this type
    static <T> T read(String text, Class<T> type, Path file, int line) throws IOException {
        try {
            T value = MAPPER.readValue(text, type);
            if (value == null) {
                throw new IOException(place(file, line) + ": expected an object, but got null");
            }
            return value;
        } catch (JacksonException e) {
            String reason = e.getCause() instanceof IllegalArgumentException refused ? refused.getMessage() : e.getOriginalMessage();
            throw new IOException(place(file, line) + ": " + reason, e);
        }
    }

    private static String place(Path file, int line) {
        return line > 0 ? file + ", line " + line : file.toString();
    }

    private static final class FiniteOrNull extends StdSerializer<Double> {

        FiniteOrNull() {
            super(Double.class);
        }

        @Override
        public void serialize(Double value, JsonGenerator out, SerializationContext context) {
            if (Double.isFinite(value)) {
                out.writeNumber(value);
            } else {
                out.writeNull();
            }
        }
    }

    private static final class NullAsNaN extends StdDeserializer<Double> {

        NullAsNaN() {
            super(Double.class);
        }

        @Override
        public Double deserialize(JsonParser in, DeserializationContext context) {
            JsonToken token = in.currentToken();
            if (token == JsonToken.VALUE_NUMBER_FLOAT || token == JsonToken.VALUE_NUMBER_INT) {
                return in.getDoubleValue();
            }
            return (Double) context.handleUnexpectedToken(Double.class, in);
        }

        @Override
        public Double getNullValue(DeserializationContext context) {
            return Double.NaN;
        }
    }
}
