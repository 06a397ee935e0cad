package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.record.NormPoint;
import dev.normlab.lip.record.NormSeries;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NormFiguresTest {

    private final Map<String, Figure> figures = NormFigures.of(SampleRuns.three());

    @Test
    void sumsOverTrainingAreThoseOfTheGroupsLayers() {
        LineChart all = (LineChart) figures.get("sum-l1-all");
        LineChart weights = (LineChart) figures.get("sum-l1-weights");
        LineChart batchNorm = (LineChart) figures.get("sum-linf-bn");
        assertEquals(List.of("plain", "nd-l1", "wd"), all.series().stream().map(LineChart.Series::name).toList());
        assertEquals(LineChart.Point.of(1, (30 + 2 + 10) * 1.5), all.series().getFirst().points().get(1));
        assertEquals(LineChart.Point.of(2, (10 + 10) * 2.0), weights.series().get(1).points().get(2));
        assertEquals(LineChart.Point.of(0, 2), batchNorm.series().get(2).points().getFirst());
    }

    @Test
    void everyFigureHasALinearAndALogarithmicAxis() {
        assertEquals(Axis.Kind.LINEAR, ((BarChart) figures.get("layers-l1-weights")).value().kind());
        assertEquals(Axis.Kind.LOG, ((BarChart) figures.get("layers-l1-weights-log")).value().kind());
        assertEquals(Axis.Kind.LOG, ((DensityChart) figures.get("distribution-linf-all-log")).x().kind());
        assertEquals(Axis.Kind.LOG, ((LineChart) figures.get("over-training-l1-all-nd-l1-log")).y().kind());
        for (Figure figure : figures.values()) {
            assertTrue(figure.toSvgFile(400).contains("<svg"), figure.title());
        }
    }

    @Test
    void barsAndDistributionsShowTheLastEpoch() {
        BarChart bars = (BarChart) figures.get("layers-l1-weights");
        assertEquals(List.of("features.0", "classifier"), bars.categories());
        assertEquals(60, bars.series().getFirst().bars().getFirst().value());
        DensityChart distribution = (DensityChart) figures.get("distribution-linf-weights");
        assertEquals(List.of(6.0, 14.0), distribution.samples().getFirst().values().stream().map(DensityChart.Value::value).toList());
    }

    @Test
    void aRecordedSeriesIsDrawnWithItsPointsWithinEpochs() {
        NormSeries series = new NormSeries(List.of(new NormSeries.Layer("fc", LayerKind.LINEAR)),
                List.of(new NormPoint(1, 0.5, 1, 0.5, Double.NaN, new double[] {3}, new double[] {4}),
                        new NormPoint(2, 1, 1, 0.5, 0.5, new double[] {2}, new double[] {1})));
        Map<String, Figure> drawn = NormFigures.of("run", series);
        assertEquals(List.of(LineChart.Point.of(0.5, 3), LineChart.Point.of(1, 2)),
                ((LineChart) drawn.get("series-l1-weights")).series().getFirst().points());
        assertFalse(drawn.containsKey("series-l1-bn"), "there is no batch norm");
    }
}
