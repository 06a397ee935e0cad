package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.ShownPath;
import dev.normlab.experiments.stats.MeanEstimate;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// The last words of a study on the console, and its result as JSON.
public final class StudySummary {

    private static final int WIDTH = 14;

    private final StudyFiles.Written written;
    private final StudyResults results;

    /// The summary of what was written.
    public StudySummary(StudyFiles.Written written) {
        this.written = written;
        this.results = written.results();
    }

    /// A table with a row per setting, and where everything is.
    public List<String> lines() {
        List<String> lines = new ArrayList<>();
        int model = Math.max(5, results.config().models().stream().mapToInt(String::length).max().orElse(0));
        int setting = Math.max(6, results.settings().stream().mapToInt(one -> one.name().length()).max().orElse(0));
        int wide = results.settings().stream().flatMap(one -> Stream.of(percent(one, one.clean()), percent(one, one.robust())))
                .mapToInt(String::length).reduce(WIDTH, Math::max);
        String head = "%-" + model + "s  %-" + setting + "s  %5s  %" + wide + "s  %" + wide + "s  %18s";
        lines.add(String.format(Locale.ROOT, head, "model", "method", "seeds", "clean %", "robust %", "sum of l1 norms"));
        for (SettingResult one : results.settings()) {
            lines.add(String.format(Locale.ROOT, head, one.model(), one.name(), one.finished().size(), percent(one, one.clean()),
                    percent(one, one.robust()), one.normSum(false).map(sum -> norm(sum) + one.share(sum)).orElse(Numbers.MISSING)));
        }
        lines.add("");
        lines.add("robust: under " + new StudyTables(results).attack()
                + (results.config().seeds() > 1 ? "; means over seeds ± 95% interval (Student's t)" : "")
                + new StudyTables(results).marks());
        results.remarks().forEach(lines::add);
        if (results.diverged() > 0) {
            lines.add(results.diverged() + " of " + results.plan().runs().size() + " runs diverged");
        }
        if (results.open() > 0) {
            lines.add("not finished yet: " + results.open() + " of " + results.plan().runs().size() + " runs");
        }
        lines.addAll(places());
        return lines;
    }

    /// Where page, tables and figures lie: in one line where they are in one folder.
    private List<String> places() {
        Path page = ShownPath.of(written.page());
        Path tables = ShownPath.of(written.tables());
        Path figures = ShownPath.of(written.figures());
        Path beside = page.getParent();
        if (beside != null && beside.equals(tables.getParent()) && beside.equals(figures.getParent())) {
            return List.of("report: " + page + " (tables in " + tables.getFileName() + "/ and " + written.drawn() + " figures in "
                    + figures.getFileName() + "/ beside it)");
        }
        return List.of("report: " + page, "tables: " + tables, "figures: " + figures + " (" + written.drawn() + ")");
    }

    private static String percent(SettingResult setting, Optional<MeanEstimate> estimate) {
        return estimate.map(one -> StudyTables.percent(one) + setting.share(one))
                .orElse(setting.diverged() > 0 ? "diverged" : Numbers.MISSING);
    }

    private static String norm(MeanEstimate estimate) {
        String mean = Numbers.fixed(estimate.mean(), 1);
        return estimate.hasInterval()
                ? mean + " ± " + Numbers.fixed(estimate.halfWidth(), 1)
                : mean + (estimate.n() > 1 ? StudyTables.NO_SPREAD : "");
    }

    /// The same for other programs.
    public Map<String, Object> json() {
        List<Map<String, Object>> settings = new ArrayList<>();
        for (SettingResult one : results.settings()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("model", one.model());
            entry.put("method", one.method().name());
            one.strength().ifPresent(strength -> entry.put("strength", strength.value()));
            entry.put("runs", one.finished().size());
            entry.put("diverged", one.diverged());
            entry.put("planned", one.planned());
            one.clean().ifPresent(value -> entry.put("clean_accuracy", value.mean()));
            one.robust().ifPresent(value -> entry.put("robust_accuracy", value.mean()));
            one.normSum(false).ifPresent(value -> entry.put("l1_sum_conv_linear", value.mean()));
            settings.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("study", results.config().name());
        json.put("runs", results.plan().runs().size());
        json.put("finished", results.finished());
        json.put("diverged", results.diverged());
        json.put("open", results.open());
        json.put("settings", settings);
        json.put("report", written.page().normalize().toString());
        json.put("tables", written.tables().normalize().toString());
        json.put("figures", written.figures().normalize().toString());
        return json;
    }
}
