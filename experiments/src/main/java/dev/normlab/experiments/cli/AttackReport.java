package dev.normlab.experiments.cli;

import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.run.Certification;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What `attack` says of one evaluation: as text, as JSON, and as arrays.
///
/// @param threat     norm and size of the perturbations
/// @param individual whether every attack saw all images
/// @param labels     of the attacks, which tell two of one name apart
/// @param result     what came of it
/// @param certified  what norms of layers prove of the same images, if it was asked for
/// @param indices    the images' numbers in the data, if some of it was left out
/// @param remarks    warnings beside those of the result
record AttackReport(ThreatModel threat, boolean individual, List<String> labels, RobustnessResult result, Optional<Certification> certified,
        Optional<int[]> indices, List<String> remarks) {

    /// The report as lines of text.
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(threat.ball().label() + " eps " + Numbers.size(threat.eps()) + ": " + result.n() + " images");
        lines.add("  clean accuracy   " + percent(result.cleanCorrect(), result.n()));
        for (int a = 0; a < result.attacks().size(); a++) {
            RobustnessResult.AttackResult attack = result.attacks().get(a);
            lines.add(String.format(Locale.ROOT, "  %-16s %s  %.1f s, %s forward and %s backward passes an image",
                    individual ? name(a) + " alone" : "after " + name(a), percent(attack.robustCorrect(), result.n()),
                    attack.seconds(), passes(attack.forwardPasses(), attack), passes(attack.backwardPasses(), attack)));
        }
        lines.add("  robust accuracy  " + percent(result.robustCorrect(), result.n()));
        certified.ifPresent(certificate -> {
            lines.add("  certified        " + percent(certificate.certified(threat.ball(), threat.eps()), result.n()));
            lines.add("  " + certificate.verdict(threat.ball(), threat.eps()));
            int contradictions = certificate.contradictions(result, threat.ball());
            if (contradictions > 0) {
                lines.add("  error: " + contradictions
                        + " images were fooled within their certified radius: the bound or the attack is wrong");
            }
        });
        if (result.rechecks().fooled() > 0) {
            lines.add("  of " + result.rechecks().fooled() + " adversarial images " + result.rechecks().rounded()
                    + " still fool when rounded to 8 bits, and " + result.rechecks().shifted() + " with shifted logits");
        }
        if (result.rejected() > 0) {
            lines.add("  warning: " + result.rejected() + " offered images were outside the ball or the box and do not count");
        }
        warnings().forEach(warning -> lines.add("  warning: " + warning));
        return lines;
    }

    private List<String> warnings() {
        List<String> warnings = new ArrayList<>(remarks);
        if (result.cleanCorrect() == 0) {
            warnings.add("the model gets no image right, so that there was nothing to attack: this says nothing about robustness");
        }
        warnings.addAll(result.warnings());
        return warnings;
    }

    /// The name of an attack, or its label where another one has the same name.
    private String name(int number) {
        String name = result.attacks().get(number).name();
        return result.attacks().stream().filter(attack -> attack.name().equals(name)).count() > 1 ? labels.get(number) : name;
    }

    private static String passes(long passes, RobustnessResult.AttackResult attack) {
        return String.format(Locale.ROOT, "%.0f", passes / (double) Math.max(attack.attacked(), 1));
    }

    /// The report as a JSON object.
    Map<String, Object> json() {
        List<Map<String, Object>> list = new ArrayList<>();
        for (int a = 0; a < result.attacks().size(); a++) {
            list.add(json(a));
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("n", result.n());
        json.put("norm", threat.ball().label());
        json.put("eps", (double) threat.eps());
        json.put("clean_accuracy", result.cleanAccuracy());
        json.put("robust_accuracy", result.robustAccuracy());
        json.put("robust_accuracy_95", interval(result.robustCorrect(), result.n()));
        json.put("attacks", list);
        json.put("fooled", result.rechecks().fooled());
        json.put("fooled_after_rounding", result.rechecks().rounded());
        json.put("fooled_after_logit_shift", result.rechecks().shifted());
        json.put("rejected", result.rejected());
        json.put("warnings", warnings());
        certified.ifPresent(certificate -> json.put("certified", json(certificate)));
        json.put("images", images());
        return json;
    }

    private Map<String, Object> json(Certification certificate) {
        int count = certificate.certified(threat.ball(), threat.eps());
        double median = certificate.medianRadius(threat.ball());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("accuracy", count / (double) result.n());
        json.put("accuracy_95", interval(count, result.n()));
        json.put("median_radius", median);
        json.put("largest_radius", certificate.largestRadius(threat.ball()));
        json.put("eps_over_median_radius", median > 0 ? threat.eps() / median : Double.NaN);
        json.put("contradictions", certificate.contradictions(result, threat.ball()));
        return json;
    }

    /// What came of every image, as lists in the order of the images.
    private Map<String, Object> images() {
        List<@Nullable String> fooledBy = new ArrayList<>();
        for (int by : result.fooledBy()) {
            fooledBy.add(by >= 0 ? name(by) : by == RobustnessResult.CLEAN_ERROR ? "clean error" : null);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        indices.ifPresent(numbers -> json.put("index", numbers));
        json.put("label", result.labels());
        json.put("prediction", result.predictions());
        json.put("fooled_by", fooledBy);
        json.put("distance", result.distances());
        certified.ifPresent(certificate -> json.put("certified_radius", certificate.radii(threat.ball())));
        return json;
    }

    private Map<String, Object> json(int number) {
        RobustnessResult.AttackResult attack = result.attacks().get(number);
        double attacked = Math.max(attack.attacked(), 1);
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("name", name(number));
        entry.put("robust_accuracy", attack.robustCorrect() / (double) result.n());
        entry.put("seconds", attack.seconds());
        entry.put("robust_accuracy_95", interval(attack.robustCorrect(), result.n()));
        entry.put("attacked", attack.attacked());
        entry.put("fooled", attack.fooled());
        entry.put("unconfirmed", attack.unconfirmed());
        entry.put("forward_passes", attack.forwardPasses());
        entry.put("backward_passes", attack.backwardPasses());
        entry.put("forward_passes_per_image", attack.forwardPasses() / attacked);
        entry.put("backward_passes_per_image", attack.backwardPasses() / attacked);
        return entry;
    }

    /// The 95% Wilson interval of a share, `[low, high]`.
    static List<Double> interval(int correct, int n) {
        Interval interval = new Proportion(correct, n).wilson95();
        return List.of(interval.low(), interval.high());
    }

    /// A share in percent with its 95% Wilson interval.
    static String percent(int correct, int n) {
        Interval interval = new Proportion(correct, n).wilson95();
        return String.format(Locale.ROOT, "%6.2f%%  (95%% interval %.2f to %.2f)", 100.0 * correct / n, 100 * interval.low(),
                100 * interval.high());
    }

    /// How many images are right without an attack and under all attacks of all results.
    static int robustToAll(List<RobustnessResult> results) {
        int count = 0;
        for (int i = 0; i < results.getFirst().n(); i++) {
            int image = i;
            count += results.stream().allMatch(result -> result.fooledBy()[image] == RobustnessResult.ROBUST) ? 1 : 0;
        }
        return count;
    }

    /// The robust accuracy of several sizes of one norm, from the smallest on: an image that a smaller perturbation fooled counts as fooled
    /// by every larger one, so that the curve never rises. Empty for norms with one size.
    static List<CurvePoint> curve(List<AttackReport> reports) {
        List<CurvePoint> curve = new ArrayList<>();
        for (ThreatModel.Ball ball : ThreatModel.Ball.values()) {
            List<AttackReport> sizes = reports.stream().filter(report -> report.threat.ball() == ball)
                    .sorted(Comparator.comparingDouble(report -> report.threat.eps())).toList();
            for (int i = 0; i < sizes.size() && sizes.size() > 1; i++) {
                int correct = robustToAll(sizes.subList(0, i + 1).stream().map(AttackReport::result).toList());
                curve.add(new CurvePoint(sizes.get(i).threat, correct, sizes.get(i).result.n()));
            }
        }
        return curve;
    }

    /// Images that are right under perturbations of up to a size.
    ///
    /// @param threat  the norm and the size
    /// @param correct images that no perturbation up to it fooled
    /// @param n       all images
    record CurvePoint(ThreatModel threat, int correct, int n) {

        Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("norm", threat.ball().label());
            json.put("eps", (double) threat.eps());
            json.put("robust_accuracy", correct / (double) n);
            json.put("robust_accuracy_95", interval(correct, n));
            return json;
        }
    }

    /// Writes clean and adversarial images with their labels, predictions, the attacks that fooled them (see
    /// [RobustnessResult#fooledBy()]), distances and, if there is a certificate, certified radii.
    ///
    /// @throws IOException if the file cannot be written
    void saveImages(Path file, Dataset data) throws IOException {
        ImageShape image = data.shape();
        Shape shape = Shape.of(data.size(), image.channels(), image.height(), image.width());
        float[] clean = new float[shape.elements()];
        float[] distances = new float[data.size()];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, clean, i * image.values());
            distances[i] = (float) result.distances()[i];
        }
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        arrays.put("x", new NumberArray.Floats(shape, clean));
        arrays.put("x_adv", new NumberArray.Floats(shape, result.adversarial()));
        arrays.put("y", new NumberArray.Ints(Shape.of(data.size()), result.labels()));
        arrays.put("pred", new NumberArray.Ints(Shape.of(data.size()), result.predictions()));
        arrays.put("fooled_by", new NumberArray.Ints(Shape.of(data.size()), result.fooledBy()));
        arrays.put("distance", new NumberArray.Floats(Shape.of(data.size()), distances));
        indices.ifPresent(numbers -> arrays.put("index", new NumberArray.Ints(Shape.of(numbers.length), numbers)));
        certified.ifPresent(certificate -> {
            float[] radii = new float[data.size()];
            for (int i = 0; i < radii.length; i++) {
                radii[i] = (float) certificate.radius(threat.ball(), i);
            }
            arrays.put("certified_radius", new NumberArray.Floats(Shape.of(radii.length), radii));
        });
        Npz.write(file, arrays);
    }
}
