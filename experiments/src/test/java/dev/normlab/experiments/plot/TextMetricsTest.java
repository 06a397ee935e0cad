package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextMetricsTest {

    /// "Hello" in Helvetica: 722 + 556 + 222 + 222 + 556 thousandths.
    @Test
    void widthsAreThoseOfHelveticaWithAReserve() {
        double exact = 2.278 * TextStyle.LABEL.size();
        double width = TextMetrics.width("Hello", TextStyle.LABEL);
        assertTrue(width >= exact && width <= 1.06 * exact, "width " + width + " for " + exact);
        assertTrue(TextMetrics.width("Hello", TextStyle.TITLE) / TextStyle.TITLE.size() > width / TextStyle.LABEL.size());
    }

    @Test
    void wrappedLinesFitAndKeepEveryWord() {
        String text = "a figure whose title is much too long for the narrow width of a telephone";
        List<String> lines = TextMetrics.wrap(text, TextStyle.LABEL, 100);
        assertTrue(lines.size() > 2);
        assertTrue(lines.stream().allMatch(line -> TextMetrics.width(line, TextStyle.LABEL) <= 100), lines.toString());
        assertEquals(text, String.join(" ", lines));
    }

    @Test
    void wordsThatAreTooWideAreBroken() {
        List<String> lines = TextMetrics.wrap("x features.0.weight.of.a.very.long.name y", TextStyle.LABEL, 60);
        assertTrue(lines.stream().allMatch(line -> TextMetrics.width(line, TextStyle.LABEL) <= 60), lines.toString());
        assertEquals("xfeatures.0.weight.of.a.very.long.namey", String.join("", lines).replace(" ", ""));
    }

    @Test
    void shortenedTextKeepsItsEnds() {
        String shorter = TextMetrics.shorten("layer1.0.conv1.weight.original", TextStyle.TICK, 90);
        assertTrue(TextMetrics.width(shorter, TextStyle.TICK) <= 90);
        assertTrue(shorter.startsWith("layer1") && shorter.endsWith("inal") && shorter.contains("…"), shorter);
        assertEquals("conv", TextMetrics.shorten("conv", TextStyle.TICK, 90));
    }
}
