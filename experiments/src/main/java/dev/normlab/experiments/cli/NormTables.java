package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.NormMeasurement;
import dev.normlab.experiments.run.NormMeasurement.Measured;
import dev.normlab.experiments.run.Quantity;
import dev.normlab.lip.bound.NetworkBound;
import dev.normlab.lip.bound.PNorms;
import dev.normlab.lip.norm.LayerKind;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Norms of layers as tables and JSON.
final class NormTables {

    private static final String PLACES = "  %14.6f";
    private static final String COMPARED = "  %15.6f";

    private NormTables() {}

    /// Which layers are summed, by name.
    private static Map<String, EnumSet<LayerKind>> groups() {
        Map<String, EnumSet<LayerKind>> groups = new LinkedHashMap<>();
        groups.put("conv + linear", EnumSet.of(LayerKind.CONV, LayerKind.LINEAR));
        groups.put("bn", EnumSet.of(LayerKind.BN));
        groups.put("all", EnumSet.allOf(LayerKind.class));
        return groups;
    }

    static List<String> table(NormMeasurement measured, Set<Quantity> wanted) {
        int width = width(measured.layers().stream().map(Measured::name).toList());
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-" + width + "s  %-6s", "layer", "kind"));
        wanted.forEach(quantity -> head.append(String.format(Locale.ROOT, "  %14s", quantity.title())));
        lines.add(head.toString());
        for (Measured layer : measured.layers()) {
            StringBuilder line = new StringBuilder(
                    String.format(Locale.ROOT, "%-" + width + "s  %-6s", layer.name(), layer.kind().label()));
            wanted.forEach(quantity -> line.append(String.format(Locale.ROOT, PLACES, layer.of(quantity))));
            layer.remark().ifPresent(remark -> line.append("  (").append(remark).append(')'));
            lines.add(line.toString());
        }
        groups().forEach((name, kinds) -> {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-" + (width + 8) + "s", "sum " + name));
            wanted.forEach(quantity -> line.append(String.format(Locale.ROOT, PLACES, measured.sum(quantity, kinds))));
            lines.add(line.toString());
        });
        for (Measured layer : measured.layers()) {
            layer.spectrum().ifPresent(spectrum -> lines.add(spectrumLine(layer.name(), spectrum)));
        }
        return lines;
    }

    private static String spectrumLine(String name, NormMeasurement.Spectrum spectrum) {
        double[] values = spectrum.values();
        return String.format(Locale.ROOT, "spectrum of %s: %d singular values from %.6f down to %s, median %s; all of them with --json",
                name,
                values.length, values[0], spectrum.show(values[values.length - 1]), spectrum.show(values[values.length / 2]));
    }

    static Map<String, Object> json(NormMeasurement measured, Set<Quantity> wanted) {
        List<Map<String, Object>> layers = new ArrayList<>();
        for (Measured layer : measured.layers()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", layer.name());
            entry.put("kind", layer.kind().label());
            wanted.forEach(quantity -> entry.put(quantity.key(), layer.of(quantity)));
            layer.converged().ifPresent(converged -> entry.put("l2_converged", converged));
            layer.remark().ifPresent(remark -> entry.put("remark", remark));
            layer.spectrum().ifPresent(spectrum -> {
                entry.put("spectrum", spectrum.values());
                entry.put("spectrum_noise", spectrum.method().noise() * spectrum.values()[0]);
            });
            layers.add(entry);
        }
        Map<String, Object> sum = new LinkedHashMap<>();
        for (Quantity quantity : wanted) {
            sum.put(quantity.key(), measured.sum(quantity, EnumSet.allOf(LayerKind.class)));
            sum.put(quantity.key() + "_conv_linear", measured.sum(quantity, EnumSet.of(LayerKind.CONV, LayerKind.LINEAR)));
            sum.put(quantity.key() + "_bn", measured.sum(quantity, EnumSet.of(LayerKind.BN)));
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("layers", layers);
        json.put("sum", sum);
        sayWhatL2Is(json, wanted);
        return json;
    }

    private static void sayWhatL2Is(Map<String, Object> json, Set<Quantity> wanted) {
        if (wanted.contains(Quantity.L2)) {
            json.put("l2_is", "estimate");
        }
    }

    /// The bounds of a whole network, with the factor of every operation.
    static List<String> network(NetworkBound bound) {
        int width = Math.max(42, width(bound.steps().stream().map(step -> step.operation() + " " + step.weight()).toList()));
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%-" + width + "s  %14s  %14s  %14s", "upper bounds along the network", "l1", "l2", "linf"));
        for (NetworkBound.Step step : bound.steps()) {
            lines.add(row(width, (step.operation() + " " + step.weight()).strip(), step.factor()));
        }
        lines.add(row(width, "bound of the network, for images in [0, 1]", bound.bound()));
        if (bound.hasGates()) {
            lines.add(row(width, "the same with gates held still", bound.gatesHeld()));
        }
        return lines;
    }

    private static String row(int width, String name, PNorms norms) {
        return String.format(Locale.ROOT, "%-" + width + "s  %14.6g  %14.6g  %14.6g", name, norms.l1(), norms.l2(), norms.linf());
    }

    static Map<String, Object> networkJson(NetworkBound bound) {
        Map<String, Object> json = new LinkedHashMap<>(norms(bound.bound()));
        json.put("gates_held", norms(bound.gatesHeld()));
        json.put("pixels", List.of(0, 1));
        json.put("steps", bound.steps().stream().map(step -> {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("operation", step.operation());
            entry.put("weight", step.weight());
            entry.putAll(norms(step.factor()));
            return entry;
        }).toList());
        return json;
    }

    private static Map<String, Object> norms(PNorms norms) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("l1", norms.l1());
        json.put("l2", norms.l2());
        json.put("linf", norms.linf());
        return json;
    }

    /// Two checkpoints beside each other: layers of one name in one row, with the ratio of the second to the first.
    static List<String> comparison(NormMeasurement first, NormMeasurement second, Set<Quantity> wanted) {
        Map<String, Pair> pairs = pairs(first, second);
        int width = width(pairs.keySet());
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-" + width + "s  %-6s", "layer", "kind"));
        wanted.forEach(quantity -> head
                .append(String.format(Locale.ROOT, "  %15s  %15s  %7s", quantity.title() + " A", quantity.title() + " B", "B/A")));
        lines.add(head.toString());
        pairs.forEach((name, pair) -> {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-" + width + "s  %-6s", name, pair.kind()));
            wanted.forEach(quantity -> line.append(compared(pair.a.map(a -> a.of(quantity)), pair.b.map(b -> b.of(quantity)))));
            remark(pair.a).ifPresent(remark -> line.append("  (A: ").append(remark).append(')'));
            remark(pair.b).ifPresent(remark -> line.append("  (B: ").append(remark).append(')'));
            lines.add(line.toString());
        });
        groups().forEach((name, kinds) -> {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-" + (width + 8) + "s", "sum " + name));
            wanted.forEach(quantity -> line.append(
                    compared(Optional.of(first.sum(quantity, kinds)), Optional.of(second.sum(quantity, kinds)))));
            lines.add(line.toString());
        });
        return lines;
    }

    /// Two values and their ratio, with a line where a checkpoint lacks the layer.
    private static String compared(Optional<Double> a, Optional<Double> b) {
        String ratio = a.isPresent() && b.isPresent()
                ? String.format(Locale.ROOT, "  %7.3f", b.get() / a.get())
                : String.format("  %7s", "-");
        return place(a) + place(b) + ratio;
    }

    private static String place(Optional<Double> value) {
        return value.map(number -> String.format(Locale.ROOT, COMPARED, number)).orElseGet(() -> String.format("  %15s", "-"));
    }

    private static Optional<String> remark(Optional<Measured> layer) {
        return layer.flatMap(Measured::remark);
    }

    static Map<String, Object> comparisonJson(NormMeasurement first, NormMeasurement second, Set<Quantity> wanted) {
        List<Map<String, Object>> layers = new ArrayList<>();
        pairs(first, second).forEach((name, pair) -> {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("kind", pair.kind());
            wanted.forEach(quantity -> entry.put(quantity.key(), List.of(value(pair.a, quantity), value(pair.b, quantity))));
            if (pair.a.isEmpty() || pair.b.isEmpty()) {
                entry.put("only_in", pair.a.isPresent() ? "A" : "B");
            }
            remark(pair.a).ifPresent(remark -> entry.put("remark_a", remark));
            remark(pair.b).ifPresent(remark -> entry.put("remark_b", remark));
            layers.add(entry);
        });
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("layers", layers);
        json.put("sum", List.of(json(first, wanted).get("sum"), json(second, wanted).get("sum")));
        sayWhatL2Is(json, wanted);
        return json;
    }

    private static double value(Optional<Measured> layer, Quantity quantity) {
        return layer.map(measured -> measured.of(quantity)).orElse(Double.NaN);
    }

    /// A layer of two checkpoints, of which one may lack it.
    private record Pair(Optional<Measured> a, Optional<Measured> b) {

        String kind() {
            return a.or(() -> b).orElseThrow().kind().label();
        }
    }

    private static Map<String, Pair> pairs(NormMeasurement first, NormMeasurement second) {
        Map<String, Pair> pairs = new LinkedHashMap<>();
        first.layers().forEach(layer -> pairs.put(layer.name(), new Pair(Optional.of(layer), Optional.empty())));
        second.layers().forEach(layer -> pairs.merge(layer.name(), new Pair(Optional.empty(), Optional.of(layer)),
                (known, added) -> new Pair(known.a, added.b)));
        return pairs;
    }

    private static int width(Iterable<String> names) {
        int width = "layer".length();
        for (String name : names) {
            width = Math.max(width, name.length());
        }
        return width;
    }
}
