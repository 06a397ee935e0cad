package dev.normlab.experiments.report;

import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.model.ModelNames;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// All models in a table.
///
/// @param rows in the order of [Models#names]
public record ModelList(List<Row> rows) {

    /// Copies the list.
    public ModelList {
        rows = List.copyOf(rows);
    }

    /// A model with 10 classes at full width.
    ///
    /// @param name         as in specifications
    /// @param parameters   trainable values
    /// @param multiplyAdds of convolutions and linear layers for one image of 3x32x32
    /// @param options      the model's own options and their defaults
    /// @param others       other names, written without hyphens, underscores and dots
    public record Row(String name, long parameters, long multiplyAdds, Map<String, Double> options, List<String> others) {

        /// Copies the collections.
        public Row {
            options = Map.copyOf(options);
            others = List.copyOf(others);
        }

        /// The model's own options as they are written, separated by commas.
        public String optionText() {
            return options.entrySet().stream().sorted(Map.Entry.comparingByKey())
                    .map(option -> option.getKey() + "=" + option.getValue()).collect(Collectors.joining(","));
        }
    }

    /// Builds every model once to count.
    public static ModelList of(Device device) {
        List<Row> rows = new ArrayList<>();
        for (String name : Models.names()) {
            Summary summary = Summary.of(Models.build(ModelSpec.parse(name)).zero(), 3, 32, 32, device);
            rows.add(new Row(name, summary.parameters(), summary.multiplyAdds(), Models.options(name), ModelNames.others(name)));
        }
        return new ModelList(rows);
    }

    /// As a table in Markdown, one line a model.
    public List<String> markdown() {
        List<String> lines = new ArrayList<>();
        lines.add("| Model | Parameters | Multiply-adds | Also called | Own options |");
        lines.add("|---|---:|---:|---|---|");
        for (Row row : rows) {
            String others = row.others.stream().map(other -> " `" + other + "`").collect(Collectors.joining(","));
            String options = row.options.isEmpty() ? "" : " `" + row.optionText() + "`";
            String counts = String.format(Locale.ROOT, "%,d | %,d", row.parameters, row.multiplyAdds);
            lines.add("| `" + row.name + "` | " + counts + " |" + others + " |" + options + " |");
        }
        return lines;
    }
}
