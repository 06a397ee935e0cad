package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.plot.LineChart.Join;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun.RobustAccuracy;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Figures of accuracy over the size of the perturbation, one for every attack and norm of which some run has several sizes.
///
/// A line joins what was measured on the same number of images; what was measured on others is shown as points. Certified accuracy is a
/// step function: what is proved for a size holds for every smaller one and says nothing about a larger one.
final class AccuracyCurves {

    /// Captions name so many single points, and legends so many numbers of images.
    private static final int MAX_POINTS = 8;
    private static final int MAX_COUNTS = 3;
    /// The size of the perturbation of clean images.
    private static final String CLEAN = "clean";

    private final List<RecordedRun> runs;

    AccuracyCurves(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// The attacks that some run has in several sizes of one norm, by attack and norm, such as `standard, linf`.
    List<String> names() {
        return runs.stream().flatMap(run -> run.attacks().stream().map(AccuracyCurves::name)
                .filter(name -> run.attacks().stream().filter(one -> name(one).equals(name)).map(RobustAccuracy::eps).distinct()
                        .count() > 1))
                .distinct().toList();
    }

    private static String name(RobustAccuracy accuracy) {
        return accuracy.attack() + ", " + accuracy.norm();
    }

    /// What was measured of a run: the sizes of the largest number of images that has several, and all others.
    ///
    /// @param name   of the run, or of its certificates
    /// @param slot   its place in the palette
    /// @param joined by size; empty if no two sizes were measured on the same number of images
    /// @param single the others, the most images first
    private record Curve(String name, int slot, List<RobustAccuracy> joined, List<RobustAccuracy> single) {

        static Curve of(String name, int slot, Stream<RobustAccuracy> measured) {
            Map<Long, List<RobustAccuracy>> byCount = new TreeMap<>(Comparator.reverseOrder());
            measured.sorted(Comparator.comparingDouble(RobustAccuracy::eps))
                    .forEach(one -> byCount.computeIfAbsent(one.survived().trials(), _ -> new ArrayList<>()).add(one));
            List<RobustAccuracy> joined = byCount.values().stream()
                    .filter(group -> group.stream().map(RobustAccuracy::eps).distinct().count() > 1).findFirst().orElse(List.of());
            return new Curve(name, slot, joined, byCount.values().stream().filter(group -> group != joined).flatMap(List::stream).toList());
        }

        Stream<RobustAccuracy> all() {
            return Stream.concat(joined.stream(), single.stream());
        }

        boolean hasSeveralCounts() {
            return all().map(one -> one.survived().trials()).distinct().count() > 1;
        }
    }

    /// The curves of a figure: of every attacked run, and of its certificates in the same norm.
    private List<Curve> curves(String name) {
        List<Curve> curves = new ArrayList<>();
        for (int slot = 0; slot < runs.size(); slot++) {
            RecordedRun run = runs.get(slot);
            List<RobustAccuracy> attacked = run.attacks().stream().filter(one -> name(one).equals(name)).toList();
            if (attacked.isEmpty()) {
                continue;
            }
            String norm = attacked.getFirst().norm();
            Optional<RobustAccuracy> clean = run.clean().map(accuracy -> new RobustAccuracy(CLEAN, norm, 0, accuracy));
            boolean knowsClean = clean.isPresent() && attacked.stream().anyMatch(
                    one -> one.eps() == 0 && one.survived().trials() == clean.get().survived().trials());
            curves.add(Curve.of(run.name(), slot, Stream.concat(knowsClean ? Stream.empty() : clean.stream(), attacked.stream())));
            List<RobustAccuracy> certified = run.certified().stream().filter(one -> one.norm().equals(norm)).toList();
            if (!certified.isEmpty()) {
                // what is right is proved against no perturbation at all, of the same images
                Stream<RobustAccuracy> start = clean.stream().filter(one -> certified.stream()
                        .anyMatch(other -> other.survived().trials() == one.survived().trials() && other.eps() > 0));
                curves.add(Curve.of(run.name() + ", certified", runs.size() + slot, Stream.concat(start, certified.stream())));
            }
        }
        return curves;
    }

    /// Accuracy over the size of the perturbation, from the clean one on; certified accuracy where there is any, as steps.
    ///
    /// @param name one of [#names()]
    Figure figure(String name) {
        List<Curve> curves = curves(name);
        boolean differ = counts(curves.stream().flatMap(Curve::all).toList()).size() > 1;
        List<LineChart.Series> series = new ArrayList<>();
        for (Curve curve : curves) {
            boolean certified = curve.slot() >= runs.size();
            add(series, curve, certified ? Join.STEPS : Join.LINES, curve.joined(), differ);
            add(series, curve, Join.NONE, curve.single(), differ);
        }
        String steps = curves.stream().anyMatch(curve -> curve.slot() >= runs.size()) ? " Steps are what is proved." : "";
        return new LineChart("Accuracy over the size of the perturbation: " + name, "One line per run with 95% Wilson intervals." + steps,
                Axis.linear("size of the perturbation"), Axis.percent("accuracy"), series);
    }

    private static void add(List<LineChart.Series> series, Curve curve, Join join, List<RobustAccuracy> measured, boolean withCounts) {
        if (!measured.isEmpty()) {
            String legend = curve.name() + (withCounts ? ": n = " + counted(measured) : "");
            series.add(new LineChart.Series(legend, curve.slot(), join, measured.stream().map(AccuracyCurves::point).toList()));
        }
    }

    private static Point point(RobustAccuracy accuracy) {
        Interval interval = accuracy.survived().wilson95();
        return new Point(accuracy.eps(), accuracy.survived().fraction(), interval.low(), interval.high());
    }

    private static TreeSet<Long> counts(Collection<RobustAccuracy> measured) {
        return measured.stream().map(one -> one.survived().trials()).collect(Collectors.toCollection(TreeSet::new));
    }

    /// The numbers of images, such as `12`, `60, 12, 5` or `5 to 60`.
    private static String counted(List<RobustAccuracy> measured) {
        TreeSet<Long> counts = counts(measured);
        return counts.size() > MAX_COUNTS
                ? Numbers.integer(counts.first()) + " to " + Numbers.integer(counts.last())
                : counts.descendingSet().stream().map(Numbers::integer).collect(Collectors.joining(", "));
    }

    /// What the figure shows, and what its points and steps mean where it has some.
    ///
    /// @param name one of [#names()]
    String caption(String name) {
        List<Curve> curves = curves(name);
        TreeSet<Long> counts = counts(curves.stream().flatMap(Curve::all).toList());
        String common = counts.size() == 1 ? ", n = " + Numbers.integer(counts.first()) : "";
        StringBuilder text = new StringBuilder("Accuracy under " + name + " over the size of the perturbation, with 95% Wilson intervals"
                + common + ".");
        text.append(singlePoints(curves));
        text.append(" Attacks give upper bounds of the robust accuracy");
        return text.append(curves.stream().anyMatch(curve -> curve.slot() >= runs.size())
                ? ", certificates lower ones. Certified accuracy is drawn in steps: a proof for one size holds for all smaller ones, so that "
                        + "just beyond a size only the value at the next larger one is proved, and beyond the last nothing is said."
                : ".").toString();
    }

    /// Where points stand that no line joins, and of how many images they are.
    private static String singlePoints(List<Curve> curves) {
        List<String> told = new ArrayList<>();
        int left = MAX_POINTS;
        int untold = 0;
        for (Curve curve : curves.stream().filter(one -> one.hasSeveralCounts() && !one.single().isEmpty()).toList()) {
            int points = Math.min(left, curve.single().size());
            if (points > 0) {
                told.add(curve.name() + " " + curve.single().stream().limit(points).map(AccuracyCurves::described)
                        .collect(Collectors.joining(", ")));
            }
            left -= points;
            untold += curve.single().size() - points;
        }
        return told.isEmpty()
                ? ""
                : " Points that no line joins were measured on different numbers of images: " + String.join("; ", told)
                        + (untold > 0 ? "; and " + untold + " more." : ".");
    }

    private static String described(RobustAccuracy one) {
        Proportion survived = one.survived();
        return (one.attack().equals(CLEAN) ? CLEAN : "at " + one.size()) + " " + Numbers.percent(survived.fraction(), 1) + " (n = "
                + Numbers.integer(survived.trials()) + ")";
    }
}
