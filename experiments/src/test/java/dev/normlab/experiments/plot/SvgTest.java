package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class SvgTest {

    private static final String HOSTILE = "<b>&\"'\u0000\uD800</title><script>alert(1)</script>";

    private static Document parse(String xml) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    private static Figure hostile() {
        return new BarChart(HOSTILE, HOSTILE, HOSTILE, Axis.linear(HOSTILE), List.of(HOSTILE, "b"),
                List.of(new BarChart.Series(HOSTILE, 1, List.of(BarChart.Bar.of(1), BarChart.Bar.of(2)))));
    }

    @Test
    void everyFigureIsWellFormedAndItsIdsAreUniqueAndResolve() throws Exception {
        for (Figure figure : SampleFigures.all()) {
            String svg = figure.toInlineSvg("fig-7", 350);
            Document document = parse(svg);
            Set<String> ids = new HashSet<>();
            NodeList elements = document.getElementsByTagName("*");
            for (int i = 0; i < elements.getLength(); i++) {
                String id = ((Element) elements.item(i)).getAttribute("id");
                assertTrue(id.isEmpty() || ids.add(id), figure.title() + ": id " + id + " is used twice");
                assertTrue(id.isEmpty() || id.startsWith("fig-7-"), figure.title() + ": id " + id);
            }
            Matcher references = Pattern.compile("url\\(#([^)]+)\\)|aria-labelledby=\"(\\S+) (\\S+)\"").matcher(svg);
            while (references.find()) {
                for (int group = 1; group <= 3; group++) {
                    assertTrue(references.group(group) == null || ids.contains(references.group(group)), figure.title() + ": " + references
                            .group());
                }
            }
            assertFalse(svg.contains("NaN") || svg.contains("Infinity"), figure.title());
        }
    }

    @Test
    void figuresNameThemselvesToAssistiveTechnology() throws Exception {
        Element root = parse(SampleFigures.lines(2, 5, Axis.linear("loss"), 1).toInlineSvg("a", 500)).getDocumentElement();
        assertEquals("img", root.getAttribute("role"));
        assertEquals("a-title a-desc", root.getAttribute("aria-labelledby"));
        assertEquals("Values of 2 methods over 5 epochs", root.getElementsByTagName("title").item(0).getTextContent());
        String description = root.getElementsByTagName("desc").item(0).getTextContent();
        assertTrue(description.startsWith("A description. method 0: 0."), description);
    }

    @Test
    void everyPointHasItsValueAsATooltip() throws Exception {
        LineChart chart = new LineChart("T", "D", Axis.integer("epoch"), Axis.percent("accuracy"), List.of(new LineChart.Series("plain", 0,
                List.of(LineChart.Point.of(1, 0.25), new LineChart.Point(2, 0.5, 0.4, 0.6)))));
        String svg = chart.toInlineSvg("a", 400);
        assertTrue(svg.contains("<title>plain, epoch 1: 25.0%</title>"), svg);
        assertTrue(svg.contains("<title>plain, epoch 2: 50.0% (40.0% to 60.0%)</title>"), svg);
    }

    @Test
    void hostileTextStaysText() throws Exception {
        Document document = parse(hostile().toSvgFile(300));
        assertEquals(0, document.getElementsByTagName("script").getLength());
        assertEquals(0, document.getElementsByTagName("b").getLength());
        assertEquals("<b>&\"'\uFFFD\uFFFD</title><script>alert(1)</script>", document.getElementsByTagName("title").item(0)
                .getTextContent());
    }

    @Test
    void theBytesDependNeitherOnTheLocaleNorOnTheRun() {
        Locale before = Locale.getDefault();
        try {
            for (Figure figure : SampleFigures.all()) {
                Locale.setDefault(Locale.forLanguageTag("de-DE"));
                String german = figure.toSvgFile(500);
                Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
                assertEquals(german, figure.toSvgFile(500), figure.title());
            }
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void coordinatesAreShortAndPlain() {
        assertEquals("0", Svg.coordinate(-0.001));
        assertEquals("12.35", Svg.coordinate(12.3456));
        assertEquals("100", Svg.coordinate(100));
        assertEquals("-0.5", Svg.coordinate(-0.5));
    }

    @Test
    void badIdsWidthsAndAxesAreRefused() {
        Figure figure = SampleFigures.bars(1, 2, Axis.linear("norm"));
        assertThrows(IllegalArgumentException.class, () -> figure.toInlineSvg("a\" onload=\"x", 500));
        assertThrows(IllegalArgumentException.class, () -> figure.toInlineSvg("a", 10));
        assertThrows(IllegalArgumentException.class, () -> figure.toInlineSvg("a", Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> Axis.log("norm").withLimits(0, 1));
        assertThrows(IllegalArgumentException.class, () -> Axis.linear("norm").withLimits(2, 1));
        assertThrows(IllegalArgumentException.class, () -> new BarChart("", "", "", Axis.linear(""), List.of("a", "b"),
                List.of(new BarChart.Series("plain", 0, List.of(BarChart.Bar.of(1))))));
    }
}
