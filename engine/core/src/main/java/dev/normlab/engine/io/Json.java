package dev.normlab.engine.io;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A small strict JSON reader (RFC 8259) for file headers that come from strangers. The nesting and the number of values are capped, so
/// that neither the stack nor the memory can be exhausted by a short text, and a repeated key is an error.
///
/// Objects become `Map<String, Object>` in the text's order, arrays `List<Object>`, numbers without fraction and exponent `Long`, others
/// `Double`, and `null` a Java null.
public final class Json {

    private static final int MAX_DEPTH = 32;

    private final String source;
    private final String text;
    private final int maxValues;
    private int position;
    private int values;

    private Json(String source, String text, int maxValues) {
        this.source = source;
        this.text = text;
        this.maxValues = maxValues;
    }

    /// Reads one JSON value that fills the text, white space around it aside.
    ///
    /// @param source where the text comes from, for messages
    /// @param text the text
    /// @param maxValues the largest number of values (objects, arrays, strings, numbers and so on) that is accepted
    /// @throws FormatException if the text is not JSON, repeats a key, nests deeper than 32, has too many values, or a number out of range
    public static @Nullable Object parse(String source, String text, int maxValues) throws FormatException {
        Json json = new Json(source, text, maxValues);
        Object value = json.value(0);
        json.skipSpace();
        if (json.position < text.length()) {
            throw json.problem("expected the end of the JSON text, but got " + json.here());
        }
        return value;
    }

    /// A string as JSON, in quotation marks.
    public static String quote(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                default -> {
                    if (c < 0x20) {
                        quoted.append(String.format("\\u%04x", (int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    private @Nullable Object value(int depth) throws FormatException {
        if (depth > MAX_DEPTH) {
            throw problem("expected at most " + MAX_DEPTH + " nested levels, but there are more");
        }
        if (++values > maxValues) {
            throw problem("expected at most " + maxValues + " values, but there are more");
        }
        skipSpace();
        char c = peek();
        return switch (c) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", Boolean.TRUE);
            case 'f' -> word("false", Boolean.FALSE);
            case 'n' -> word("null", null);
            default -> {
                if (c == '-' || isDigit(c)) {
                    yield number();
                }
                throw problem("expected a JSON value, but got " + here());
            }
        };
    }

    private Map<String, @Nullable Object> object(int depth) throws FormatException {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        position++;
        skipSpace();
        if (peek() == '}') {
            position++;
            return members;
        }
        while (true) {
            skipSpace();
            if (peek() != '"') {
                throw problem("expected a key in quotation marks, but got " + here());
            }
            int keyStart = position;
            String key = string();
            if (members.containsKey(key)) {
                position = keyStart;
                throw problem("expected every key once, but " + quote(key) + " comes again");
            }
            skipSpace();
            expect(':');
            members.put(key, value(depth + 1));
            skipSpace();
            if (peek() == '}') {
                position++;
                return members;
            }
            expect(',');
        }
    }

    private List<@Nullable Object> array(int depth) throws FormatException {
        List<@Nullable Object> elements = new ArrayList<>();
        position++;
        skipSpace();
        if (peek() == ']') {
            position++;
            return elements;
        }
        while (true) {
            elements.add(value(depth + 1));
            skipSpace();
            if (peek() == ']') {
                position++;
                return elements;
            }
            expect(',');
        }
    }

    private String string() throws FormatException {
        position++;
        StringBuilder characters = new StringBuilder();
        while (true) {
            char c = peek();
            if (c < 0x20) {
                throw problem("expected a string without control characters, but got " + here());
            }
            position++;
            if (c == '"') {
                return characters.toString();
            }
            characters.append(c == '\\' ? escape() : c);
        }
    }

    private char escape() throws FormatException {
        char c = peek();
        position++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    int digit = Character.digit(peek(), 16);
                    if (digit < 0 || peek() > 'f') {
                        throw problem("expected four hexadecimal digits after \\u, but got " + here());
                    }
                    code = code << 4 | digit;
                    position++;
                }
                yield (char) code;
            }
            default -> {
                position--;
                throw problem("expected an escape such as \\n or \\u0020, but got " + here());
            }
        };
    }

    private Object number() throws FormatException {
        int start = position;
        if (peek() == '-') {
            position++;
        }
        boolean leadingZero = peek() == '0';
        int digits = digits();
        if (leadingZero && digits > 1) {
            position = start;
            throw problem("expected a number without leading zeros");
        }
        boolean integer = true;
        if (position < text.length() && text.charAt(position) == '.') {
            integer = false;
            position++;
            digits();
        }
        if (position < text.length() && (text.charAt(position) | 0x20) == 'e') {
            integer = false;
            position++;
            if (peek() == '+' || peek() == '-') {
                position++;
            }
            digits();
        }
        String written = text.substring(start, position);
        try {
            if (integer) {
                return Long.valueOf(written);
            }
            double number = Double.parseDouble(written);
            if (Double.isFinite(number)) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Falls through: the syntax was checked above, so the number is too large.
        }
        position = start;
        throw problem("expected a number in the range of " + (integer ? "64-bit integers" : "double precision") + ", but got "
                + (written.length() > 40 ? written.substring(0, 40) + "..." : written));
    }

    private int digits() throws FormatException {
        int start = position;
        while (position < text.length() && isDigit(text.charAt(position))) {
            position++;
        }
        if (position == start) {
            throw problem("expected a digit, but got " + here());
        }
        return position - start;
    }

    private @Nullable Object word(String word, @Nullable Object value) throws FormatException {
        if (!text.startsWith(word, position)) {
            throw problem("expected a JSON value, but got " + here());
        }
        position += word.length();
        return value;
    }

    private void expect(char expected) throws FormatException {
        if (peek() != expected) {
            throw problem("expected '" + expected + "', but got " + here());
        }
        position++;
    }

    private char peek() throws FormatException {
        if (position >= text.length()) {
            throw problem("expected more JSON, but the text ends");
        }
        return text.charAt(position);
    }

    private void skipSpace() {
        while (position < text.length() && " \t\n\r".indexOf(text.charAt(position)) >= 0) {
            position++;
        }
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private String here() {
        if (position >= text.length()) {
            return "the end of the text";
        }
        char c = text.charAt(position);
        return c >= 0x20 && c < 0x7F ? "'" + c + "'" : String.format("the character U+%04X", (int) c);
    }

    private FormatException problem(String what) {
        return new FormatException(source, "bad JSON at character " + (position + 1) + ": " + what);
    }
}
