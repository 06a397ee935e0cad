package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What came out of training runs, as sentences that are computed and never assumed.
final class Findings {

    /// With more runs than this, sentences name the extremes only.
    private static final int MAX_LISTED = 4;

    private final List<RecordedRun> runs;

    Findings(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// One sentence or two on each quantity that was measured.
    List<String> sentences() {
        List<String> sentences = new ArrayList<>();
        accuracies("Accuracy on clean test images", RecordedRun::clean).ifPresent(sentences::add);
        for (String label : attackLabels(runs)) {
            accuracies("Accuracy under " + label, run -> survived(run, label)).ifPresent(sentences::add);
        }
        runs.forEach(run -> certified(run).ifPresent(sentences::add));
        normSums(false).ifPresent(sentences::add);
        normSums(true).ifPresent(sentences::add);
        for (RecordedRun run : runs) {
            run.remarks().forEach(remark -> sentences.add(run.name() + ": " + remark));
        }
        if (sentences.isEmpty()) {
            sentences.add("Nothing has been measured yet.");
        }
        return sentences;
    }

    /// The attacks of all runs, in the order of their first appearance, without those of size 0, which are clean accuracies.
    static List<String> attackLabels(List<RecordedRun> runs) {
        return runs.stream().flatMap(run -> run.attacks().stream()).filter(robust -> robust.eps() > 0)
                .map(RecordedRun.RobustAccuracy::label).distinct().toList();
    }

    /// The accuracy of a run under the attack of this label, on the largest number of images.
    static Optional<Proportion> survived(RecordedRun run, String label) {
        return measured(run, label).max(Comparator.comparingLong(Proportion::trials));
    }

    /// The accuracies of a run under the attack of this label, on any number of images.
    static Stream<Proportion> measured(RecordedRun run, String label) {
        return run.attacks().stream().filter(robust -> robust.label().equals(label)).map(RecordedRun.RobustAccuracy::survived);
    }

    /// The numbers of images on which runs were attacked so; see [#survived].
    static SortedSet<Long> counts(List<RecordedRun> runs, String label) {
        return runs.stream().flatMap(run -> survived(run, label).stream()).map(Proportion::trials)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /// Numbers of images as text: `n = 10` or `n = 10 to 60`.
    static String counted(SortedSet<Long> counts) {
        String first = "n = " + Numbers.integer(counts.first());
        return counts.size() == 1 ? first : first + " to " + Numbers.integer(counts.last());
    }

    private Optional<String> accuracies(String what, Function<RecordedRun, Optional<Proportion>> accuracy) {
        List<RecordedRun> measured = runs.stream().filter(run -> accuracy.apply(run).isPresent()).toList();
        if (measured.isEmpty()) {
            return Optional.empty();
        }
        List<Long> trials = measured.stream().map(run -> accuracy.apply(run).orElseThrow().trials()).distinct().toList();
        String common = trials.size() == 1 ? ", n = " + Numbers.integer(trials.getFirst()) : "";
        Function<RecordedRun, String> describe = run -> run.name() + " " + describe(accuracy.apply(run).orElseThrow(), trials.size() > 1);
        String start = what + " (95% interval" + common + "): ";
        if (measured.size() > MAX_LISTED) {
            return Optional.of(start + extremes(measured, run -> accuracy.apply(run).orElseThrow().fraction(), describe));
        }
        String values = measured.stream().map(describe).collect(Collectors.joining(", "));
        return Optional.of(start + values + "." + comparison(measured, accuracy));
    }

    /// What norms of layers prove of a run, and how far that is from the sizes of attacks.
    private static Optional<String> certified(RecordedRun run) {
        List<RecordedRun.RobustAccuracy> all = run.certified();
        if (all.isEmpty()) {
            return Optional.empty();
        }
        String shares = all.stream().map(one -> Numbers.percent(one.survived().fraction(), 1) + " against " + one.size())
                .collect(Collectors.joining(", "));
        List<String> vacuous = new ArrayList<>();
        for (RecordedRun.RobustAccuracy one : all) {
            // the largest size of this norm at which something is proven
            double proven = all.stream().filter(other -> other.norm().equals(one.norm()) && other.survived().successes() > 0)
                    .mapToDouble(RecordedRun.RobustAccuracy::eps).max().orElse(0);
            if (one.survived().successes() == 0 && proven > 0) {
                vacuous.add(one.size() + " is " + Numbers.significant(one.eps() / proven, 3)
                        + " times the largest size listed at which it proves anything");
            } else if (one.survived().successes() == 0) {
                vacuous.add("it proves nothing in " + one.norm());
            }
        }
        return Optional
                .of("Images of " + run.name() + " that norms of the layers prove to be right under every perturbation: " + shares + "."
                        + (vacuous.isEmpty()
                                ? ""
                                : " There the bound is vacuous: " + String.join("; ", vacuous.stream().distinct().toList()) + "."));
    }

    private static String extremes(List<RecordedRun> measured, ToDoubleFunction<RecordedRun> value,
            Function<RecordedRun, String> describe) {
        Comparator<RecordedRun> order = Comparator.comparingDouble(value);
        RecordedRun lowest = measured.stream().min(order).orElseThrow();
        RecordedRun highest = measured.stream().max(order).orElseThrow();
        return "lowest " + describe.apply(lowest) + ", highest " + describe.apply(highest) + "; the table below has all " + measured.size()
                + " runs.";
    }

    /// Which intervals overlap that of the base, and which do not; runs of other models or data are left out.
    private static String comparison(List<RecordedRun> measured, Function<RecordedRun, Optional<Proportion>> accuracy) {
        RecordedRun first = RecordedRun.base(measured);
        Interval reference = accuracy.apply(first).orElseThrow().wilson95();
        List<String> overlapping = new ArrayList<>();
        List<String> apart = new ArrayList<>();
        for (RecordedRun run : measured.stream().filter(one -> !one.name().equals(first.name()) && first.isComparableWith(one)).toList()) {
            boolean overlaps = accuracy.apply(run).orElseThrow().wilson95().overlaps(reference);
            (overlaps ? overlapping : apart).add(run.nameWithProgress());
        }
        String base = first.nameWithProgress();
        return (overlapping.isEmpty() ? "" : " Overlapping the interval of " + base + ": " + String.join(", ", overlapping) + ".")
                + (apart.isEmpty() ? "" : " Not overlapping the interval of " + base + ": " + String.join(", ", apart) + ".");
    }

    private static String describe(Proportion accuracy, boolean withTrials) {
        Interval interval = accuracy.wilson95();
        return Numbers.percent(accuracy.fraction(), 1) + " (" + Numbers.percent(interval.low(), 1) + " to " + Numbers.percent(interval
                .high(), 1)
                + (withTrials ? ", n = " + Numbers.integer(accuracy.trials()) : "") + ")";
    }

    private Optional<String> normSums(boolean batchNorm) {
        List<RecordedRun> measured = runs.stream().filter(run -> run.lastNormSum(batchNorm) > 0).toList();
        if (measured.isEmpty()) {
            return Optional.empty();
        }
        RecordedRun first = RecordedRun.base(measured);
        double reference = first.lastNormSum(batchNorm);
        Function<RecordedRun, String> describe = run -> {
            String value = run.name() + " " + Numbers.significant(run.lastNormSum(batchNorm), 4);
            String ratio = Numbers.fixed(run.lastNormSum(batchNorm) / reference, 2) + " times that of " + first.name();
            return run.name().equals(first.name()) || !run.isComparableWith(first) ? value : value + " (" + ratio + ")";
        };
        String what = "Sum of the l1 norms of " + (batchNorm ? "batch-norm layers" : "convolutions and linear layers") + " at the end: ";
        return Optional.of(what + (measured.size() > MAX_LISTED
                ? extremes(measured, run -> run.lastNormSum(batchNorm), describe)
                : measured.stream().map(describe).collect(Collectors.joining(", ")) + "."));
    }
}
