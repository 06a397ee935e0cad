package dev.normlab.engine.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.Shape;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.function.Executable;

/// The files made by `tools/golden/make_array_files.py`, and what is in them.
final class Fixture {

    private Fixture() {}

    static Path file(String name) {
        try {
            return Path.of(Objects.requireNonNull(Fixture.class.getResource(name), name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /// The fixtures' floating-point numbers: (i - 3) / 2.
    static float[] halves(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (i - 3) / 2f;
        }
        return values;
    }

    static void assertHalves(NumberArray array, int... sizes) {
        assertEquals(Shape.of(sizes), array.shape());
        assertArrayEquals(halves(Shape.of(sizes).elements()), assertInstanceOf(NumberArray.Floats.class, array).values());
    }

    /// Asserts a format error whose message has all these parts.
    static void assertFormatError(Executable reading, String... parts) {
        FormatException error = assertThrows(FormatException.class, reading);
        for (String part : parts) {
            assertTrue(error.getMessage().contains(part), () -> "expected \"" + part + "\" in: " + error.getMessage());
        }
    }
}
