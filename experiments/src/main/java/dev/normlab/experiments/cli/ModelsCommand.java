package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.report.ModelList;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `models`: which models there are.
@Command(name = "models", description = "List all models with their parameters, multiply-adds and own options.", sortOptions = false)
final class ModelsCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Option(names = "--markdown", description = "Print a Markdown table, as in docs/models.md.")
    private boolean markdown;

    ModelsCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        ModelList list;
        try (Device device = common.openDevice()) {
            list = ModelList.of(device);
        }
        if (markdown) {
            list.markdown().forEach(common::say);
        } else {
            common.say(String.format(Locale.ROOT, "%-17s  %11s  %14s  %s", "model", "parameters", "multiply-adds", "own options"));
            for (ModelList.Row row : list.rows()) {
                common.say(String.format(Locale.ROOT, "%-17s  %,11d  %,14d  %s", row.name(), row.parameters(), row.multiplyAdds(),
                        row.optionText()).stripTrailing());
            }
            common.say("For one image of 3x32x32 and 10 classes. Every model takes width=FACTOR, classes=COUNT and head=linear or cosine.");
        }
        List<Map<String, Object>> models = new ArrayList<>();
        for (ModelList.Row row : list.rows()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", row.name());
            entry.put("parameters", row.parameters());
            entry.put("multiply_adds", row.multiplyAdds());
            entry.put("options", row.options());
            entry.put("other_names", row.others());
            models.add(entry);
        }
        common.writeJson(Map.of("models", models));
        return 0;
    }
}
