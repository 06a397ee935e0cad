package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.plot.LineChart.Join;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.report.RecordedRun.RobustAccuracy;
import dev.normlab.experiments.stats.Proportion;
import java.util.List;
import org.junit.jupiter.api.Test;

class AccuracyCurvesTest {

    private static RobustAccuracy accuracy(String attack, String norm, double eps, int survived, int images) {
        return new RobustAccuracy(attack, norm, eps, new Proportion(survived, images));
    }

    /// A run with 880 of 1000 images right.
    private static RecordedRun attacked(RobustAccuracy... robust) {
        RecordedRun run = SampleRuns.run("plain", 30, 880, 60);
        return new RecordedRun(run.name(), run.settings(), run.provenance(), run.epochs(), run.norms(), run.clean(), List.of(robust), 1,
                List.of());
    }

    private static LineChart chart(String curve, RecordedRun... runs) {
        return (LineChart) new AccuracyCurves(List.of(runs)).figure(curve);
    }

    private static List<String> legend(LineChart chart) {
        return chart.series().stream().map(LineChart.Series::name).toList();
    }

    private static List<Double> sizes(LineChart.Series series) {
        return series.points().stream().map(Point::x).toList();
    }

    private static List<Double> values(LineChart.Series series) {
        return series.points().stream().map(Point::y).toList();
    }

    @Test
    void severalSizesOfAnAttackMakeACurveFromTheCleanAccuracyOn() throws Exception {
        RecordedRun run = attacked(accuracy("standard", "linf", 2 / 255.0, 300, 1000), accuracy("standard", "linf", 1 / 255.0, 500, 1000),
                accuracy("standard", "l2", .5, 200, 1000), accuracy("fgsm", "linf", 1 / 255.0, 600, 1000));
        AccuracyCurves curves = new AccuracyCurves(List.of(run));
        assertEquals(List.of("standard, linf"), curves.names());
        LineChart chart = chart("standard, linf", run);
        assertEquals(List.of("plain"), legend(chart));
        assertEquals(Join.LINES, chart.series().getFirst().join());
        assertEquals(List.of(0.0, 1 / 255.0, 2 / 255.0), sizes(chart.series().getFirst()));
        assertEquals(List.of(.88, .5, .3), values(chart.series().getFirst()));
        assertEquals("Accuracy under standard, linf over the size of the perturbation, with 95% Wilson intervals, n = 1,000. Attacks give "
                + "upper bounds of the robust accuracy.", curves.caption("standard, linf"));
        String page = Html.parse(new TrainingReport("One run", "What was run.", List.of(run)).toHtml()).getDocumentElement()
                .getTextContent();
        assertTrue(page.contains("Accuracy over the size of the perturbation: standard, linf"));
        assertEquals(List.of(), new AccuracyCurves(SampleRuns.three()).names());
    }

    /// Between two certified sizes only the value at the larger one is proved, and no line may claim more.
    @Test
    void certifiedAccuracyIsDrawnInSteps() {
        RecordedRun run = attacked(accuracy("fgsm", "linf", 1 / 255.0, 600, 1000), accuracy("fgsm", "linf", 8 / 255.0, 500, 1000),
                accuracy("certified", "linf", 8 / 255.0, 0, 1000), accuracy("certified", "linf", 2.47e-6, 600, 1000),
                accuracy("certified", "l2", 0.5, 0, 1000));
        LineChart chart = chart("fgsm, linf", run);
        assertEquals(List.of("plain", "plain, certified"), legend(chart));
        LineChart.Series certified = chart.series().getLast();
        assertEquals(Join.STEPS, certified.join());
        assertEquals(List.of(0.0, 2.47e-6, 8 / 255.0), sizes(certified));
        assertEquals(List.of(.88, .6, 0.0), values(certified));
        String caption = new AccuracyCurves(List.of(run)).caption("fgsm, linf");
        assertTrue(caption.contains("Certified accuracy is drawn in steps") && caption.endsWith("beyond the last nothing is said."),
                caption);
    }

    /// Certificates of other images than the clean accuracy do not start from it.
    @Test
    void certificatesOfFewerImagesStartFromTheirOwnFirstSize() {
        RecordedRun run = attacked(accuracy("fgsm", "linf", 1 / 255.0, 600, 1000), accuracy("fgsm", "linf", 8 / 255.0, 500, 1000),
                accuracy("certified", "linf", 1e-6, 6, 10), accuracy("certified", "linf", 8 / 255.0, 0, 10));
        LineChart chart = chart("fgsm, linf", run);
        assertEquals(List.of("plain: n = 1,000", "plain, certified: n = 10"), legend(chart));
        assertEquals(List.of(1e-6, 8 / 255.0), sizes(chart.series().getLast()));
    }

    @Test
    void whatWasMeasuredOnOtherImagesIsShownAsPoints() {
        RecordedRun run = attacked(accuracy("standard", "linf", 2 / 255.0, 6, 12), accuracy("standard", "linf", 8 / 255.0, 4, 10));
        LineChart chart = chart("standard, linf", run);
        assertEquals(List.of("plain: n = 1,000, 12, 10"), legend(chart));
        assertEquals(Join.NONE, chart.series().getFirst().join());
        assertEquals(List.of(0.0, 2 / 255.0, 8 / 255.0), sizes(chart.series().getFirst()));
        String caption = new AccuracyCurves(List.of(run)).caption("standard, linf");
        assertTrue(
                caption.contains("Points that no line joins were measured on different numbers of images: plain clean 88.0% (n = 1,000), "
                        + "at linf 2/255 50.0% (n = 12), at linf 8/255 40.0% (n = 10)."),
                caption);
    }

    @Test
    void sizesOfTheMostImagesAreJoinedAndTrialsStandBesideThem() {
        RecordedRun run = attacked(accuracy("pgd-20", "linf", 0, 3, 5), accuracy("pgd-20", "linf", 8 / 255.0, 60, 100),
                accuracy("pgd-20", "linf", 8 / 255.0, 2, 5), accuracy("pgd-20", "linf", 1 / 255.0, 70, 100));
        LineChart chart = chart("pgd-20, linf", run);
        assertEquals(List.of("plain: n = 100", "plain: n = 1,000, 5"), legend(chart));
        assertEquals(List.of(1 / 255.0, 8 / 255.0), sizes(chart.series().getFirst()));
        assertEquals(List.of(.88, .6, .4), values(chart.series().getLast()));
        assertTrue(chart.series().stream().allMatch(series -> series.slot() == 0), "a run keeps its colour");
    }

    /// The case in which the legend named a run that had no point: the first size was on images of their own.
    @Test
    void noLegendIsWithoutPoints() {
        RecordedRun run = attacked(accuracy("pgd-20", "linf", 0, 3, 5), accuracy("pgd-20", "linf", 8 / 255.0, 6, 10),
                accuracy("pgd-20", "linf", 8 / 255.0, 2, 5));
        RecordedRun other = SampleRuns.run("wd", 20, 800, 62);
        LineChart chart = chart("pgd-20, linf", run, other);
        assertEquals(4 + 2, chart.series().stream().mapToInt(series -> series.points().size()).sum());
        assertTrue(chart.series().stream().noneMatch(series -> series.points().isEmpty()));
        assertFalse(chart.toSvgFile(500).contains("(no data)"));
        assertEquals(1, chart("pgd-20, linf", attacked(), run).series().getFirst().slot(), "runs that nobody attacked are left out");
    }

    @Test
    void captionsOfManyPointsCountTheRest() {
        RobustAccuracy[] all = new RobustAccuracy[12];
        for (int i = 0; i < all.length; i++) {
            all[i] = accuracy("fgsm", "linf", (i + 1) / 255.0, 5, 10 + i);
        }
        String caption = new AccuracyCurves(List.of(attacked(all))).caption("fgsm, linf");
        assertTrue(caption.contains("; and 5 more. Attacks give"), caption);
        assertEquals(List.of("plain: n = 10 to 1,000"), legend(chart("fgsm, linf", attacked(all))));
    }
}
