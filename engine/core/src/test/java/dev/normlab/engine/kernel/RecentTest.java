package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecentTest {

    @Test
    void theValueAskedForLongestAgoGoes() {
        List<String> dropped = new ArrayList<>();
        Recent<Integer, String> recent = new Recent<>(2, dropped::add);
        assertEquals("1", recent.get(1, String::valueOf));
        assertEquals("2", recent.get(2, String::valueOf));
        assertEquals("1", recent.get(1, key -> "made again"));
        assertEquals("3", recent.get(3, String::valueOf));
        assertEquals(List.of("2"), dropped);
        assertEquals("new", recent.get(2, key -> "new"));
        assertEquals(List.of("2", "1"), dropped);
        assertEquals(2, recent.size());
    }

    @Test
    void clearDropsAll() {
        List<String> dropped = new ArrayList<>();
        Recent<Integer, String> recent = new Recent<>(5, dropped::add);
        recent.get(1, String::valueOf);
        recent.clear();
        assertEquals(List.of("1"), dropped);
        assertEquals(0, recent.size());
    }

    @Test
    void clearDropsTheOthersTooIfOneFails() {
        List<String> dropped = new ArrayList<>();
        Recent<Integer, String> recent = new Recent<>(5, value -> {
            dropped.add(value);
            if (!value.equals("2")) {
                throw new IllegalStateException(value);
            }
        });
        for (int key = 1; key <= 3; key++) {
            recent.get(key, String::valueOf);
        }
        IllegalStateException failure = assertThrows(IllegalStateException.class, recent::clear);
        assertEquals("1", failure.getMessage());
        assertEquals("3", failure.getSuppressed()[0].getMessage());
        assertEquals(List.of("1", "2", "3"), dropped);
        assertEquals(0, recent.size());
    }

    @Test
    void aCacheOfNothingIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Recent<Integer, String>(0));
    }
}
