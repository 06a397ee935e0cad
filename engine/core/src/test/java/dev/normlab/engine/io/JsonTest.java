package dev.normlab.engine.io;

import static dev.normlab.engine.io.Fixture.assertFormatError;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    private static Object parse(String text) throws FormatException {
        return Json.parse("test.json", text, 1000);
    }

    @Test
    void everyKindOfValueIsRead() throws FormatException {
        assertEquals(Map.of("a", List.of(1L, -2.5, true, false, "x"), "b", Map.of()),
                parse(" {\"a\" : [1, -2.5, true,false,\"x\"],\n\"b\":{}}\t"));
        assertEquals(Arrays.asList((Object) null), parse("[null]"));
        assertNull(parse("null"));
        assertEquals(List.of(), parse("[ ]"));
        assertEquals(1500.0, parse("1.5E+3"));
        assertEquals(0L, parse("-0"));
        assertEquals(Long.MIN_VALUE, parse("-9223372036854775808"));
    }

    @Test
    void escapesAreUnderstood() throws FormatException {
        assertEquals("a\"\\/\b\f\n\r\t\u00e9\ud83d\ude00", parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\ud83d\\ude00\""));
    }

    @Test
    void quotedTextIsReadBackUnchanged() throws FormatException {
        String text = "quote \" backslash \\ line\n\r\t control \u0001 accent é emoji \ud83d\ude00";
        assertEquals(text, parse(Json.quote(text)));
    }

    @Test
    void membersKeepTheirOrder() throws FormatException {
        assertEquals("{z=1, a=2, m=3}", String.valueOf(parse("{\"z\":1,\"a\":2,\"m\":3}")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}",
        "{1:1}", "tru", "nul",
        "True", "NaN", "Infinity", "+1", ".5", "1.", "1e", "01", "-", "--1", "0x10", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"",
        "\"line\nbreak\"", "1 2", "{} {}", "// comment", "1e999", "9223372036854775808", "\u00a01", "\"\\u\uff111234\""})
    void textThatIsNotJsonIsAnError(String text) {
        assertFormatError(() -> parse(text), "test.json", "bad JSON at character");
    }

    @Test
    void aRepeatedKeyIsAnErrorThatNamesIt() {
        assertFormatError(() -> parse("{\"a\":1,\"b\":2,\"a\":3}"), "\"a\" comes again", "character 14");
    }

    @Test
    void deepNestingIsAnErrorAndNotAStackOverflow() throws FormatException {
        assertFormatError(() -> parse("[".repeat(1_000_000)), "nested");
        assertFormatError(() -> parse("{\"a\":".repeat(1_000_000)), "nested");
        parse("[".repeat(30) + "]".repeat(30));
    }

    @Test
    void tooManyValuesAreAnError() throws FormatException {
        String text = "[" + "0,".repeat(998) + "0]";
        parse(text);
        assertFormatError(() -> Json.parse("test.json", text, 999), "at most 999 values");
    }
}
