package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.model.LayerSummary;
import dev.normlab.nn.model.Summary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `summary`: what a model consists of.
@Command(name = "summary", description = "Show the layers of a model with shapes, parameters and multiply-adds.", sortOptions = false)
final class SummaryCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Option(names = "--input", paramLabel = "CxHxW", description = "The size of the images " + Images.DEFAULT + ".")
    private @Nullable String input;

    SummaryCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        ImageShape given = Images.given("--input", input);
        try (Device device = common.openDevice()) {
            Weights weights = models.load(common.seed());
            ImageShape image = Images.of(given, weights);
            Summary summary = Weights.summarize(weights.model(), image, device);
            int width = summary.layers().stream().mapToInt(layer -> layer.name().length()).max().orElse(5);
            String row = "%-" + Math.max(5, width) + "s  %-18s  %-20s  %12s  %16s  %s";
            common.say(String.format(Locale.ROOT, row, "layer", "kind", "output", "parameters", "multiply-adds",
                    "convolution"));
            for (LayerSummary layer : summary.layers()) {
                common.say(String.format(Locale.ROOT, row, layer.name(), layer.kind(), layer.output(),
                        String.format(Locale.ROOT, "%,d", layer.parameters()), String.format(Locale.ROOT, "%,d", layer.multiplyAdds()),
                        algorithms(layer)));
            }
            common.say(String.format(Locale.ROOT, "%s: %,d parameters, %,d multiply-adds for one image of %s", weights.spec(),
                    summary.parameters(), summary.multiplyAdds(), image));
            if (!summary.unused().isEmpty()) {
                common.say("The forward pass does not use " + String.join(", ", summary.unused()) + "; their parameters are counted.");
            }
            common.writeJson(json(weights, summary));
            return 0;
        }
    }

    // One name where all passes agree, else those of forward, input gradient and weight gradient.
    private static String algorithms(LayerSummary layer) {
        List<String> names = layer.algorithms().values().stream().map(ConvolutionAlgorithm::toString).toList();
        return String.join(", ", new HashSet<>(names).size() == 1 ? names.subList(0, 1) : names);
    }

    private static Map<String, Object> json(Weights weights, Summary summary) {
        List<Map<String, Object>> layers = new ArrayList<>();
        for (LayerSummary layer : summary.layers()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", layer.name());
            entry.put("kind", layer.kind());
            entry.put("input", layer.input().toArray());
            entry.put("output", layer.output().toArray());
            entry.put("parameters", layer.parameters());
            entry.put("multiply_adds", layer.multiplyAdds());
            if (!layer.algorithms().isEmpty()) {
                Map<String, String> algorithms = new LinkedHashMap<>();
                layer.algorithms().forEach((pass, algorithm) -> algorithms.put(pass.toString(), algorithm.toString()));
                entry.put("algorithms", algorithms);
            }
            layers.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model", weights.spec().toString());
        json.put("parameters", summary.parameters());
        json.put("multiply_adds", summary.multiplyAdds());
        json.put("layers", layers);
        if (!summary.unused().isEmpty()) {
            json.put("unused", summary.unused());
        }
        return json;
    }
}
