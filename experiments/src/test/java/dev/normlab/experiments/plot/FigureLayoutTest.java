package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FigureLayoutTest {

    /// The four corners of a text's box after turning it about its anchor.
    private static double[][] corners(Mark.Text text) {
        Box box = text.unturned();
        double[][] corners = {{box.x(), box.y()}, {box.right(), box.y()}, {box.right(), box.bottom()}, {box.x(), box.bottom()}};
        double cos = Math.cos(Math.toRadians(text.angle()));
        double sin = Math.sin(Math.toRadians(text.angle()));
        for (double[] corner : corners) {
            double dx = corner[0] - text.x();
            double dy = corner[1] - text.y();
            corner[0] = text.x() + cos * dx - sin * dy;
            corner[1] = text.y() + sin * dx + cos * dy;
        }
        return corners;
    }

    /// The separating axis test for two rectangles: they overlap unless the normal of some edge separates them.
    private static boolean overlap(Mark.Text a, Mark.Text b) {
        double[][] ca = corners(a);
        double[][] cb = corners(b);
        for (double[][] shape : List.of(ca, cb)) {
            for (int i = 0; i < 2; i++) {
                double nx = shape[i + 1][1] - shape[i][1];
                double ny = shape[i][0] - shape[i + 1][0];
                double[] spanA = span(ca, nx, ny);
                double[] spanB = span(cb, nx, ny);
                double length = Math.hypot(nx, ny);
                if (spanA[1] <= spanB[0] + 0.01 * length || spanB[1] <= spanA[0] + 0.01 * length) {
                    return false;
                }
            }
        }
        return true;
    }

    private static double[] span(double[][] corners, double nx, double ny) {
        double[] projections = Stream.of(corners).mapToDouble(c -> c[0] * nx + c[1] * ny).sorted().toArray();
        return new double[] {projections[0], projections[3]};
    }

    private static List<Mark.Text> texts(Drawing drawing) {
        return drawing.marks().stream().filter(Mark.Text.class::isInstance).map(Mark.Text.class::cast).toList();
    }

    @Test
    void theOverlapTestSeesTurnedText() {
        Mark.Text flat = new Mark.Text(0, 100, "a horizontal line of text", Mark.Anchor.START, 0, TextStyle.TICK, "");
        Mark.Text crossing = new Mark.Text(40, 110, "slanted", Mark.Anchor.MIDDLE, -45, TextStyle.TICK, "");
        Mark.Text beside = new Mark.Text(40, 140, "slanted", Mark.Anchor.END, -45, TextStyle.TICK, "");
        assertTrue(overlap(flat, crossing));
        assertFalse(overlap(flat, beside));
    }

    @ParameterizedTest
    @ValueSource(doubles = {240, 350, 520, 640, 1060})
    void noTextIsCutOrOverlapsAnother(double width) {
        for (Figure figure : SampleFigures.all()) {
            Drawing drawing = SampleFigures.draw(figure, width);
            List<Mark.Text> texts = texts(drawing);
            for (int i = 0; i < texts.size(); i++) {
                for (double[] corner : corners(texts.get(i))) {
                    boolean inside = corner[0] >= -0.01 && corner[0] <= width + 0.01 && corner[1] >= 0 && corner[1] <= drawing.height();
                    assertTrue(inside, figure.title() + " at " + width + ": '" + texts.get(i).text() + "' is cut at (" + corner[0] + ", "
                            + corner[1] + ")");
                }
                for (int j = 0; j < i; j++) {
                    assertFalse(overlap(texts.get(i), texts.get(j)),
                            figure.title() + " at " + width + ": '" + texts.get(i).text() + "' overlaps '" + texts.get(j).text() + "'");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {240, 350, 520, 640, 1060})
    void dataStaysInsideThePlotAreaAndTextOutsideTheBars(double width) {
        for (Figure figure : SampleFigures.all()) {
            Drawing drawing = SampleFigures.draw(figure, width);
            assertTrue(drawing.plot().x() >= -6.01 && drawing.plot().right() <= width + 6.01, figure.title() + ": plot area " + drawing
                    .plot());
            assertTrue(figure.description().equals("None.") || figure.description().equals("Nothing.") || figure.description().equals(
                    "Unusable.")
                    || drawing.plot().width() >= width / 2, figure.title() + " at " + width + ": plot area " + drawing.plot());
            for (Mark mark : drawing.marks()) {
                if (mark instanceof Mark.Bar bar && !bar.tooltip().isEmpty()) {
                    Box plot = drawing.plot();
                    boolean inside = bar.box().x() >= plot.x() && bar.box().right() <= plot.right() + 0.01 && bar.box().y() >= plot.y()
                            && bar.box().bottom() <= plot.bottom() + 0.01;
                    assertTrue(inside, figure.title() + " at " + width + ": " + bar + " leaves " + plot);
                }
            }
        }
    }

    @Test
    void theBarsOfAGroupDoNotOverlap() {
        for (int categories : new int[] {2, 17, 60}) {
            List<Box> boxes = SampleFigures.draw(SampleFigures.bars(3, categories, Axis.linear("norm")), 350).marks().stream()
                    .filter(mark -> mark instanceof Mark.Bar bar && !bar.tooltip().isEmpty()).map(mark -> ((Mark.Bar) mark).box())
                    .sorted(Comparator.comparingDouble(Box::x)).toList();
            for (int i = 1; i < boxes.size(); i++) {
                assertTrue(boxes.get(i - 1).right() <= boxes.get(i).x() + 1e-9, categories + " groups: " + boxes.get(i - 1) + " and "
                        + boxes.get(i));
            }
        }
    }

    @Test
    void barHeightsAreProportionalToTheValuesAndErrorBarsReachTheirEnds() {
        BarChart chart = new BarChart("Bars", "Bars.", "", Axis.linear("norm"), List.of("a", "b", "c"),
                List.of(new BarChart.Series("plain", 0, List.of(BarChart.Bar.of(10), new BarChart.Bar(25, 20, 30), BarChart.Bar.of(-5)))));
        List<Mark> marks = SampleFigures.draw(chart, 520).marks();
        List<Box> bars = marks.stream().filter(mark -> mark instanceof Mark.Bar bar && !bar.tooltip().isEmpty()).map(
                mark -> ((Mark.Bar) mark).box()).toList();
        double unit = bars.get(0).height() / 10;
        assertEquals(25 * unit, bars.get(1).height(), 1e-9);
        assertEquals(5 * unit, bars.get(2).height(), 1e-9);
        assertEquals(bars.get(0).bottom(), bars.get(1).bottom(), 1e-9);
        assertEquals(bars.get(0).bottom(), bars.get(2).y(), 1e-9, "a negative bar hangs below zero");
        double high = bars.get(0).bottom() - 30 * unit;
        String whisker = marks.stream().filter(mark -> mark instanceof Mark.Path path && path.styleClass().equals("nl-whisker"))
                .map(mark -> ((Mark.Path) mark).data()).findFirst().orElseThrow();
        assertTrue(whisker.contains(" " + Svg.coordinate(high) + "h"), whisker + " should reach " + high);
    }

    /// The pixels under the curve, converted with the positions of two rug lines and two tick labels, enclose the area 1 in powers of ten.
    @Test
    void aDensityCurveOnALogarithmicAxisEnclosesTheAreaOne() {
        DensityChart chart = new DensityChart("Density", "Density.", Axis.log("norm"), List.of(new DensityChart.Series("plain", 0,
                List.of(new DensityChart.Value("a", 1), new DensityChart.Value("b", 10), new DensityChart.Value("c", 100),
                        new DensityChart.Value("d", 40)))));
        List<Mark> marks = SampleFigures.draw(chart, 800).marks();
        List<Mark.Line> rug = marks.stream().filter(mark -> mark instanceof Mark.Line line && line.styleClass().startsWith("nl-rug"))
                .map(Mark.Line.class::cast).toList();
        double pixelsPerDecade = (rug.get(2).x1() - rug.get(0).x1()) / 2;
        assertEquals(pixelsPerDecade, rug.get(1).x1() - rug.get(0).x1(), 1e-9);
        List<Mark.Text> heights = texts(SampleFigures.draw(chart, 800)).stream()
                .filter(text -> text.anchor() == Mark.Anchor.END && text.style() == TextStyle.TICK).toList();
        double unit = Double.parseDouble(heights.get(1).text()) - Double.parseDouble(heights.get(0).text());
        double pixelsPerUnit = (heights.get(0).y() - heights.get(1).y()) / unit;
        String curve = marks.stream().filter(mark -> mark instanceof Mark.Path path && path.styleClass().contains("nl-line") && path
                .clipped())
                .map(mark -> ((Mark.Path) mark).data()).findFirst().orElseThrow();
        double[][] points = Stream.of(curve.substring(1).split("L")).map(pair -> Stream.of(pair.split(" ")).mapToDouble(Double::parseDouble)
                .toArray())
                .toArray(double[][]::new);
        double bottom = heights.get(0).y() - 0.35 * TextStyle.TICK.size();
        double area = 0;
        for (int i = 1; i < points.length; i++) {
            area += (points[i][0] - points[i - 1][0]) * (bottom - (points[i][1] + points[i - 1][1]) / 2);
        }
        assertEquals(1, area / pixelsPerDecade / pixelsPerUnit, 5e-3);
    }

    @Test
    void missingValuesBreakTheLineAndAreCounted() {
        List<LineChart.Point> points = List.of(LineChart.Point.of(1, 3), LineChart.Point.of(2, Double.NaN), LineChart.Point.of(3, 4),
                LineChart.Point.of(4, Double.POSITIVE_INFINITY), LineChart.Point.of(5, 4), LineChart.Point.of(6, 5));
        LineChart chart = new LineChart("Gaps", "Gaps.", Axis.integer("epoch"), Axis.linear("loss"), List.of(new LineChart.Series("plain",
                0, points)));
        Drawing drawing = SampleFigures.draw(chart, 520);
        String line = drawing.marks().stream().filter(mark -> mark instanceof Mark.Path path && path.clipped()).map(
                mark -> ((Mark.Path) mark).data())
                .findFirst().orElseThrow();
        assertEquals(3, line.chars().filter(c -> c == 'M').count());
        assertEquals(1, line.chars().filter(c -> c == 'L').count());
        assertTrue(texts(drawing).stream().anyMatch(text -> text.text().startsWith("2 values are not shown")));
    }

    private static List<Mark> marks(LineChart.Join join) {
        List<LineChart.Point> points = List.of(new LineChart.Point(0, .9, .8, 1), new LineChart.Point(1, .5, .4, .6),
                new LineChart.Point(3, .1, 0, .2));
        return SampleFigures.draw(new LineChart("Joined", "Joined.", Axis.linear("size"), Axis.percent("accuracy"),
                List.of(new LineChart.Series("plain", 0, join, points))), 520).marks();
    }

    private static List<Mark.Path> paths(List<Mark> marks, String style) {
        return marks.stream().filter(Mark.Path.class::isInstance).map(Mark.Path.class::cast)
                .filter(path -> path.styleClass().startsWith(style)).toList();
    }

    /// Just beyond a point the line is already at the next value, so that it claims nothing between two points.
    @Test
    void stepsFallBeforeTheyGoOnAndHaveNoBand() {
        List<Mark> marks = marks(LineChart.Join.STEPS);
        String[] line = paths(marks, "nl-line").getLast().data().substring(1).split("[L ]");
        assertEquals(10, line.length, "three points, two corners");
        for (int corner = 2; corner < line.length; corner += 4) {
            assertEquals(line[corner - 2], line[corner], "straight down");
            assertEquals(line[corner + 1], line[corner + 3], "then on at the next value");
        }
        assertTrue(Double.parseDouble(line[3]) > Double.parseDouble(line[1]), "pixels grow downwards");
        assertTrue(paths(marks, "nl-area").isEmpty() && paths(marks, "nl-whisker").isEmpty());
        assertEquals(1, paths(marks(LineChart.Join.LINES), "nl-area").size());
    }

    @Test
    void pointsThatAreNotJoinedHaveWhiskersAndNoLine() {
        List<Mark> marks = marks(LineChart.Join.NONE);
        assertTrue(paths(marks, "nl-line").isEmpty() && paths(marks, "nl-area").isEmpty());
        assertEquals(3, paths(marks, "nl-whisker").size());
        assertEquals(4, marks.stream().filter(Mark.Symbol.class::isInstance).count(), "three and the legend's");
    }

    @Test
    void figuresWithoutDataSaySo() {
        for (Figure figure : SampleFigures.all()) {
            boolean empty = List.of("None.", "Nothing.", "Unusable.").contains(figure.description());
            boolean says = texts(SampleFigures.draw(figure, 350)).stream().anyMatch(text -> text.text().equals("No data to show"));
            assertEquals(empty, says, figure.title());
        }
    }
}
