package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `norms`: the exact norms of every layer.
@Command(name = "norms", description = "Measure the exact induced norms of all layers of a model.", sortOptions = false)
final class NormsCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Option(names = "--norm", paramLabel = "LIST", split = ",", description = "l1, linf, or both (default: both).")
    private List<String> norms = List.of("l1", "linf");

    @Option(names = "--input", paramLabel = "CxHxW",
            description = "The size of the images, on which norms of convolutions depend (default: 3x32x32).")
    private String input = "3x32x32";

    NormsCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        List<Norm> wanted = wanted();
        ImageShape image = Images.parse("--input", input);
        try (Device device = common.openDevice()) {
            Weights weights = models.load(common.seed());
            Weights.summarize(weights.model(), image, device);
            LayerNorms measured = LayerNorms.of(weights.model(), device);
            common.say(weights.spec() + ", " + weights.source() + ", images of " + image);
            table(measured, wanted).forEach(common::say);
            common.writeJson(json(measured, wanted));
            return 0;
        }
    }

    private List<Norm> wanted() {
        List<Norm> wanted = new ArrayList<>();
        for (String norm : norms) {
            try {
                wanted.add(Norm.parse(norm.strip()));
            } catch (IllegalArgumentException e) {
                throw UserError.usage("--norm: " + e.getMessage());
            }
        }
        return wanted;
    }

    private static List<String> table(LayerNorms measured, List<Norm> wanted) {
        int width = measured.layers().stream().mapToInt(layer -> layer.name().length()).max().orElse(5);
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-" + Math.max(5, width) + "s  %-6s", "layer", "kind"));
        wanted.forEach(norm -> head.append(String.format(Locale.ROOT, "  %14s", norm.label())));
        lines.add(head.toString());
        for (LayerNorms.LayerNorm layer : measured.layers()) {
            StringBuilder line = new StringBuilder(
                    String.format(Locale.ROOT, "%-" + Math.max(5, width) + "s  %-6s", layer.name(), layer.kind().label()));
            wanted.forEach(norm -> line.append(String.format(Locale.ROOT, "  %14.6f", layer.of(norm))));
            lines.add(line.toString());
        }
        for (Map.Entry<String, EnumSet<LayerKind>> group : groups().entrySet()) {
            StringBuilder line = new StringBuilder(
                    String.format(Locale.ROOT, "%-" + (Math.max(5, width) + 8) + "s", "sum " + group.getKey()));
            wanted.forEach(norm -> line.append(String.format(Locale.ROOT, "  %14.6f", measured.sum(norm, group.getValue()))));
            lines.add(line.toString());
        }
        return lines;
    }

    private static Map<String, EnumSet<LayerKind>> groups() {
        Map<String, EnumSet<LayerKind>> groups = new LinkedHashMap<>();
        groups.put("conv + linear", EnumSet.of(LayerKind.CONV, LayerKind.LINEAR));
        groups.put("bn", EnumSet.of(LayerKind.BN));
        groups.put("all", EnumSet.allOf(LayerKind.class));
        return groups;
    }

    private static Map<String, Object> json(LayerNorms measured, List<Norm> wanted) {
        List<Map<String, Object>> layers = new ArrayList<>();
        for (LayerNorms.LayerNorm layer : measured.layers()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", layer.name());
            entry.put("kind", layer.kind().label());
            wanted.forEach(norm -> entry.put(norm.label(), layer.of(norm)));
            layers.add(entry);
        }
        Map<String, Object> sum = new LinkedHashMap<>();
        for (Norm norm : wanted) {
            sum.put(norm.label(), measured.sum(norm, EnumSet.allOf(LayerKind.class)));
            sum.put(norm.label() + "_conv_linear", measured.sum(norm, EnumSet.of(LayerKind.CONV, LayerKind.LINEAR)));
            sum.put(norm.label() + "_bn", measured.sum(norm, EnumSet.of(LayerKind.BN)));
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("layers", layers);
        json.put("sum", sum);
        return json;
    }
}
