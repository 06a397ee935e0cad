package dev.normlab.experiments.study;

import dev.normlab.attacks.Passes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Progress;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.model.Summary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/// What a study would do: all runs, the shapes and sizes of the models, the disk that it needs, and the time, without doing any of it.
public final class DryRun {

    private static final String SUBSTITUTE = "synthetic:train=1000,test=500";
    /// Files of a run with values of parameters: the final and the best weights, and the checkpoint with weights and momenta.
    private static final int COPIES = 4;

    private final StudyPlan plan;
    private final Shard shard;
    private final Device device;
    private final List<String> lines = new ArrayList<>();
    private final Map<String, Object> json = new LinkedHashMap<>();

    /// A dry run of a plan.
    public DryRun(StudyPlan plan, Shard shard, Device device) {
        this.plan = plan;
        this.shard = shard;
        this.device = device;
    }

    /// Plans and times.
    ///
    /// @throws IOException if no temporary file can be written
    public DryRun run(Progress progress) throws IOException {
        StudyConfig config = plan.config();
        DataSplits data;
        CostEstimate.Images images;
        int limit = config.limit() == 0 ? Integer.MAX_VALUE : config.limit();
        try {
            DataSplits all = DataSource.loadToTrainOn(config.data());
            data = config.limit() == 0 ? all : all.limit(config.limit());
            images = images(data.train().size(), data.test().size());
        } catch (DataException e) {
            KnownData known = KnownData.of(DataSource.parse(config.data())).orElseThrow(() -> e);
            lines.add("the data is not there (" + e.getMessage() + ")");
            lines.add("so that this is planned for the whole of " + known.name() + ": " + known.train() + " and " + known.test()
                    + " images of 3x32x32 in " + known.classes() + " classes, timed with synthetic ones");
            data = substitute(known.classes());
            images = images(Math.min(limit, known.train()), Math.min(limit, known.test()));
        }
        List<PlannedRun> mine = shard.of(plan.runs());
        models(mine, data, images);
        CostEstimate estimate = CostEstimate.measure(config, mine, data, images, device, progress);
        runs(mine, estimate);
        return this;
    }

    /// Synthetic images under so many classes: what is timed depends on the number of logits, not on what is to be seen.
    static DataSplits substitute(int classes) {
        DataSplits synthetic = DataSource.load(SUBSTITUTE);
        return new DataSplits(relabelled(synthetic.train(), classes), relabelled(synthetic.test(), classes), List.of());
    }

    private static Dataset relabelled(Dataset images, int classes) {
        float[] values = new float[images.size() * images.shape().values()];
        int[] labels = new int[images.size()];
        for (int i = 0; i < labels.length; i++) {
            images.image(i, values, i * images.shape().values());
            labels[i] = i % classes;
        }
        List<String> names = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
        return Dataset.ofUnits(images.name(), images.shape(), names, values, labels);
    }

    private CostEstimate.Images images(int train, int test) {
        return new CostEstimate.Images(train, test, Math.min(plan.config().attack().images(), test));
    }

    private void models(List<PlannedRun> mine, DataSplits data, CostEstimate.Images images) {
        RelativeCost sizes = new RelativeCost(plan.config(), device);
        lines.add(String.format(Locale.ROOT, "images: %s, %d for training, %d for tests, %d of these attacked with %s in %s %s",
                data.train().shape(), images.train(), images.test(), images.attacked(), plan.config().attack().label(),
                plan.config().attack().norm().label(), plan.config().attack().eps()));
        plan.remarks().forEach(remark -> lines.add("warning: " + remark));
        json.put("warnings", plan.remarks());
        Passes passes = plan.config().attack().passes(data.train().classes());
        lines.add(String.format(Locale.ROOT, "attacks: at most %,d passes forward and %,d backward for an image, if none of them fools it",
                passes.forward(), passes.backward()));
        lines.add("");
        lines.add(String.format(Locale.ROOT, "%-32s %12s %18s %8s", "model", "parameters", "multiply-adds", "layers"));
        List<Map<String, Object>> models = new ArrayList<>();
        double bytes = 0;
        for (String model : mine.stream().map(run -> run.settings().model()).distinct().toList()) {
            Summary summary = sizes.summary(model, data.train().shape(), data.train().classes());
            long runs = mine.stream().filter(run -> run.settings().model().equals(model)).count();
            bytes += (double) runs * COPIES * Float.BYTES * summary.parameters();
            lines.add(String.format(Locale.ROOT, "%-32s %,12d %,18d %8d", model, summary.parameters(), summary.multiplyAdds(),
                    summary.layers().size()));
            models.add(Map.of("model", model, "parameters", summary.parameters(), "multiply_adds", summary.multiplyAdds(), "runs", runs));
        }
        lines.add("");
        json.put("study", plan.config().name());
        json.put("images", Map.of("train", images.train(), "test", images.test(), "attacked", images.attacked()));
        json.put("attack_passes", Map.of("forward", passes.forward(), "backward", passes.backward()));
        json.put("models", models);
        json.put("disk_bytes", bytes);
    }

    private void runs(List<PlannedRun> mine, CostEstimate estimate) {
        int model = mine.stream().mapToInt(run -> run.model().length()).max().orElse(5);
        String format = "%4s  %-" + Math.max(5, model) + "s  %-14s  %8s  %4s  %15s  %14s  %s";
        lines.add(String.format(Locale.ROOT, format, "run", "model", "method", "strength", "rep.", "seed", "time", "folder"));
        List<Map<String, Object>> list = new ArrayList<>();
        for (PlannedRun run : mine) {
            double seconds = estimate.seconds().getOrDefault(run.number(), Double.NaN);
            String strength = run.strength().map(Strength::toString).orElse("");
            lines.add(String.format(Locale.ROOT, format, run.number() + 1, run.model(), run.method().name(), strength, run.replicate(),
                    run.settings().seed(), Progress.duration(seconds), run.folder()));
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", run.folder());
            entry.put("model", run.model());
            entry.put("method", run.method().name());
            run.strength().ifPresent(one -> entry.put("strength", one.value()));
            entry.put("replicate", run.replicate());
            entry.put("seed", run.settings().seed());
            entry.put("settings", run.settings().toMap());
            entry.put("seconds", seconds);
            list.add(entry);
        }
        double all = estimate.of(mine);
        lines.add("");
        lines.add(String.format(Locale.ROOT, "%s%d runs, about %s with %s on this machine as busy as it is now, and %s of disk",
                shard.of() == 1 ? "" : shard + ": ", mine.size(), Progress.duration(all), Progress.threads(device.workers().threads()),
                disk()));
        json.put("runs", list);
        json.put("seconds", all);
    }

    private String disk() {
        double bytes = json.get("disk_bytes") instanceof Double value ? value : 0;
        return bytes < 1e9 ? String.format(Locale.ROOT, "%.0f MB", bytes / 1e6) : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }

    /// The plan for people.
    public List<String> lines() {
        return List.copyOf(lines);
    }

    /// The plan for other programs.
    public Map<String, Object> json() {
        return new LinkedHashMap<>(json);
    }
}
