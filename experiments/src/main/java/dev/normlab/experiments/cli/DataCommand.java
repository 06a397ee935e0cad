package dev.normlab.experiments.cli;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.UserError;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.DataSummary;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.data.SampleGrid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `data`: looks at data sets, fetches them and makes the synthetic one.
@Command(name = "data", description = "Look at a data set, fetch one, or write the synthetic one to a file.",
        subcommands = {DataCommand.Info.class, DataCommand.Synthetic.class, DataDownloadCommand.class}, mixinStandardHelpOptions = true)
final class DataCommand implements Runnable {

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to do: data info SPEC, data download NAME, or data synthetic");
    }

    /// `data info`.
    @Command(name = "info", description = "Show sizes, classes and channel statistics of a data set.", sortOptions = false)
    static final class Info implements Callable<Integer> {

        @Mixin
        private final CommonOptions common;

        @Parameters(paramLabel = "SPEC",
                description = "synthetic[:..], cifar10:DIR, cifar100:DIR, cifar10c:DIR,fog=3, folder:DIR[,size=N] or npz:FILE")
        private String spec = "synthetic";

        @Option(names = "--png", paramLabel = "FILE", description = "Write a picture of some test images of every class.")
        private @Nullable Path png;

        Info(Streams streams) {
            this.common = new CommonOptions(streams);
        }

        @Override
        public Integer call() throws IOException {
            CommonOptions.requireEnding("--png", png, ".png");
            DataSplits splits = DataSource.load(spec);
            splits.notices().forEach(common::say);
            Map<String, Object> json = new LinkedHashMap<>();
            for (String name : List.of("train", "test")) {
                DataSummary summary = DataSummary.of(splits.split(name));
                common.say(
                        String.format(Locale.ROOT, "%-5s  %d images of %s, %s, sha256 %.16s", name, summary.size(), summary.shape(),
                                Numbers.counted(summary.classNames().size(), "class", "classes"), summary.contentHash()));
                common.say("       mean " + numbers(summary.mean()) + "  deviation " + numbers(summary.deviation()));
                json.put(name, json(summary));
            }
            classes(splits).forEach(common::say);
            if (png != null) {
                SampleGrid.writePng(png, splits.test(), 10, 2);
                common.say("picture: " + png);
            }
            common.writeJson(json);
            return 0;
        }

        private static List<String> classes(DataSplits splits) {
            List<Integer> train = DataSummary.of(splits.train()).counts();
            List<Integer> test = DataSummary.of(splits.test()).counts();
            List<String> lines = new ArrayList<>();
            for (int k = 0; k < train.size(); k++) {
                lines.add(String.format(Locale.ROOT, "%5d  %-24s  %6d train  %6d test", k, splits.train().classNames().get(k), train.get(k),
                        test.get(k)));
            }
            return lines;
        }

        private static String numbers(List<Double> values) {
            return values.stream().map(value -> String.format(Locale.ROOT, "%.4f", value)).toList().toString();
        }

        private static Map<String, Object> json(DataSummary summary) {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("n", summary.size());
            json.put("shape", List.of(summary.shape().channels(), summary.shape().height(), summary.shape().width()));
            json.put("classes", summary.classNames());
            json.put("counts", summary.counts());
            json.put("mean", summary.mean());
            json.put("deviation", summary.deviation());
            json.put("sha256", summary.contentHash());
            return json;
        }
    }

    /// `data synthetic`.
    @Command(name = "synthetic", description = "Write the synthetic data set to an npz file (x_train, y_train, x_test, y_test).",
            sortOptions = false)
    static final class Synthetic implements Callable<Integer> {

        @Mixin
        private final CommonOptions common;

        @Option(names = "--spec", paramLabel = "SPEC", description = "Which one (default: synthetic).")
        private String spec = "synthetic";

        @Option(names = "--out", paramLabel = "FILE", required = true, description = "The npz file.")
        private Path out = Path.of("synthetic.npz");

        Synthetic(Streams streams) {
            this.common = new CommonOptions(streams);
        }

        @Override
        public Integer call() throws IOException {
            CommonOptions.requireEnding("--out", out, ".npz");
            if (!spec.startsWith("synthetic")) {
                throw UserError.usage("--spec: expected synthetic[:key=value,..], but got '" + spec + "'");
            }
            DataSplits splits = DataSource.load(spec);
            Map<String, NumberArray> arrays = new LinkedHashMap<>();
            add(arrays, "train", splits.train());
            add(arrays, "test", splits.test());
            Npz.write(out, arrays);
            common.say("wrote " + splits.train().size() + " training and " + splits.test().size() + " test images to " + out);
            common.writeJson(Map.of("file", out.toString(), "train", splits.train().size(), "test", splits.test().size()));
            return 0;
        }

        private static void add(Map<String, NumberArray> arrays, String name, Dataset data) {
            ImageShape image = data.shape();
            float[] unit = new float[image.values()];
            byte[] bytes = new byte[data.size() * image.values()];
            int[] labels = new int[data.size()];
            for (int i = 0; i < data.size(); i++) {
                data.image(i, unit, 0);
                labels[i] = data.label(i);
                for (int p = 0; p < unit.length; p++) {
                    bytes[i * unit.length + p] = (byte) Math.round(255 * unit[p]);
                }
            }
            arrays.put("x_" + name, new NumberArray.Bytes(Shape.of(data.size(), image.channels(), image.height(), image.width()), bytes));
            arrays.put("y_" + name, new NumberArray.Ints(Shape.of(data.size()), labels));
        }
    }
}
