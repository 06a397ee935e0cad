package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

class ReportPageTest {

    private static final String HOSTILE = "<script>alert('x')</script> & \"quotes\" ]]>";

    private static BarChart chart() {
        return new BarChart(HOSTILE, HOSTILE, "", Axis.linear("norm"), List.of("a"),
                List.of(new BarChart.Series(HOSTILE, 1, List.of(BarChart.Bar.of(1)))));
    }

    @Test
    void allTextIsEscaped() throws Exception {
        ReportPage page = new ReportPage(HOSTILE, HOSTILE).footer(HOSTILE);
        Table table = new Table(HOSTILE, List.of(Column.text(HOSTILE), Column.text("b")),
                List.of(List.of(Cell.text(HOSTILE), Cell.text(HOSTILE))), true);
        page.section(HOSTILE).paragraph(HOSTILE).list(List.of(HOSTILE)).definitions(HOSTILE, HOSTILE)
                .figure(chart(), ReportPage.Width.HALF, HOSTILE).foldedTable(HOSTILE, table);
        String html = page.toHtml();
        Html.check(html);
        Document document = Html.parse(html);
        for (String element : List.of("h1", "h2", "p", "ul", "dt", "dd", "summary", "td", "caption", "figcaption")) {
            NodeList found = document.getElementsByTagName(element);
            assertTrue(found.getLength() > 0, element);
            for (int i = 0; i < found.getLength(); i++) {
                assertTrue(found.item(i).getTextContent().contains(HOSTILE), element + ": " + found.item(i).getTextContent());
            }
        }
    }

    @Test
    void sectionsOfOneNameHaveDifferentIds() throws Exception {
        ReportPage page = new ReportPage("T", "S").footer("F");
        page.section("Norms").paragraph("a");
        page.section("Norms").paragraph("b");
        page.section("1. ü").paragraph("c");
        Html.check(page.toHtml());
        assertTrue(page.toHtml().contains("<h2 id=\"norms-2\">"));
    }

    @Test
    void figuresAndTablesAreNumberedAndLaidOutForSeveralWidths() throws Exception {
        ReportPage page = new ReportPage("T", "S").footer("F");
        Table table = new Table("A table.", List.of(Column.text("name"), Column.number("n")),
                List.of(List.of(Cell.text("a"), Cell.integer(1234)), List.of(Cell.text("b"), Cell.number(Double.NaN))), true);
        page.section("X").figure(chart(), ReportPage.Width.HALF, "One.").figure(chart(), ReportPage.Width.FULL, "Two.").table(table)
                .table(table);
        String html = page.toHtml();
        Html.check(html);
        assertTrue(html.contains("<b>Figure 2.</b> Two.") && html.contains("<b>Table 2.</b> A table."));
        assertEquals(5, Html.parse(html).getElementsByTagName("svg").getLength());
        assertTrue(html.contains("<td class=\"number\" data-value=\"1234.0\">1,234</td>"), html);
        assertTrue(html.contains("<td class=\"number\">–</td>"), html);
    }

    @Test
    void rowsMustFitTheColumns() {
        assertThrows(IllegalArgumentException.class,
                () -> new Table("A table.", List.of(Column.text("name"), Column.number("n")), List.of(List.of(Cell.text("a"))), true));
    }

    /// The contrast ratio of WCAG 2 for text is at least 4.5.
    @Test
    void textStandsOutFromItsBackgroundInBothColourSchemes() throws Exception {
        Document page = Html.parse(new ReportPage("T", "S").toHtml());
        String css = page.getElementsByTagName("style").item(0).getTextContent();
        Map<String, String> light = new HashMap<>();
        Map<String, String> dark = new HashMap<>();
        Matcher blocks = Pattern.compile(":root\\{([^}]*)}(})?").matcher(css);
        while (blocks.find()) {
            Matcher properties = Pattern.compile("(--[a-z0-9-]+):(#[0-9a-f]{6})").matcher(blocks.group(1));
            while (properties.find()) {
                (blocks.group(2) == null ? light : dark).put(properties.group(1), properties.group(2));
            }
        }
        for (Map<String, String> scheme : List.of(light, dark)) {
            for (String text : List.of("--ink", "--muted", "--link", "--nl-ink", "--nl-muted")) {
                for (String background : List.of("--page", "--nl-bg")) {
                    double contrast = contrast(luminance(scheme.get(text)), luminance(scheme.get(background)));
                    assertTrue(contrast >= 4.5, text + " on " + background + " has a contrast of " + contrast + " in " + scheme);
                }
            }
        }
    }

    private static double contrast(double a, double b) {
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }

    private static double luminance(String colour) {
        double sum = 0;
        double[] weights = {0.2126, 0.7152, 0.0722};
        for (int i = 0; i < 3; i++) {
            double c = Integer.parseInt(colour.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
            sum += weights[i] * (c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
        }
        return sum;
    }
}
