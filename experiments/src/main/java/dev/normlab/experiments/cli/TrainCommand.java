package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.ImagesOfClasses;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.Provenance;
import dev.normlab.experiments.run.TrainingRun;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.WarmUp;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.lip.spectral.ClippedOperator;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.model.Summary;
import dev.normlab.nn.train.Evaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `train`: one training run into a run folder.
@Command(name = "train", description = "Train a model, with or without norm decay, weight decay, projections or adversarial images.",
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--model", paramLabel = "NAME",
            description = "Model, for example vgg11 or resnet18:width=0.25; `normlab models` lists all (default: vgg11).")
    private @Nullable String model;

    @Option(names = "--data", paramLabel = "SPEC",
            description = "synthetic[:..], cifar10:DIR, cifar100:DIR, folder:DIR[,size=N] or npz:FILE (default: synthetic).")
    private @Nullable String data;

    @Option(names = "--limit", paramLabel = "N", description = "Use the first N images of each split only.")
    private @Nullable Integer limit;

    @Option(names = "--method", paramLabel = "NAME",
            description = "A bundle of the options below: plain (default), wd, nd-l1, nd-linf, nd-l1-bn, nd-linf-bn, svc; "
                    + "on adversarial images pgd-at, trades, alp, and with hypersphere embedding pgd-he, trades-he, alp-he.")
    private @Nullable String method;

    @Option(names = "--epochs", paramLabel = "N", description = "Passes over the training images (default: 15).")
    private @Nullable Integer epochs;

    @Option(names = "--batch-size", paramLabel = "N", description = "Images of a step (default: 128).")
    private @Nullable Integer batchSize;

    @Option(names = "--lr", paramLabel = "RATE", description = "Learning rate (default: 0.01).")
    private @Nullable Double lr;

    @Option(names = "--momentum", paramLabel = "M", description = "Momentum of SGD (default: 0.9).")
    private @Nullable Double momentum;

    @Option(names = "--weight-decay", paramLabel = "W", description = "Weight decay (default: that of the method).")
    private @Nullable Double weightDecay;

    @Option(names = "--schedule", paramLabel = "NAME",
            description = "constant (default), reference (a tenth of the rate from epochs 75, 90 and 100 on) or cosine (to 0 at the end).")
    private @Nullable String schedule;

    @Option(names = "--norm-decay", paramLabel = "NORM:BETA[:KINDS]",
            description = "l1:BETA, linf:BETA or none (default: that of the method); l1 alone is l1:1e-3; of all layers, or of the kinds that are "
                    + "named: conv, linear, bn, for example l1:1e-3:conv+linear.")
    private @Nullable String normDecay;

    @Option(names = "--project-bn", paramLabel = "R", description = "Keep the norm of batch norm layers at most R; none for no limit.")
    private @Nullable String projectBn;

    @Option(names = "--svc", paramLabel = "R",
            description = "Clip the singular values of convolutions and linear layers at R; none for no limit.")
    private @Nullable String svc;

    @Option(names = "--svd", paramLabel = "NAME",
            description = "How --svc finds singular values: gram (default, by far the fastest), jacobi or ejml.")
    private @Nullable String svd;

    @Option(names = "--svc-as", paramLabel = "NAME",
            description = "What --svc limits after the last step of every epoch: convolutions as if their borders were circular, as in the "
                    + "paper (circular, default), or as the layers that they are, by a guaranteed bound (layer, slower).")
    private @Nullable String svcAs;

    @Option(names = "--clip-freq", paramLabel = "N",
            description = "--svc clips every N batches of an epoch (default: 100), and after the last one of every epoch "
                    + "until the limit holds.")
    private @Nullable Integer clipFreq;

    @Option(names = "--bn-statistics", paramLabel = "N",
            description = "Estimate the running statistics of batch norm anew on N training images at the end of every epoch (default: 1024 "
                    + "with --svc, whose clipping changes weights then, else 0: what training leaves, as PyTorch).")
    private @Nullable Integer bnStatistics;

    @Mixin
    private final AdversarialOptions adversarial = new AdversarialOptions();

    @Option(names = "--init", paramLabel = "FILE",
            description = "Begin with these weights instead of drawn ones: a file, or a run folder, whose data is taken, too, unless --data says other.")
    private @Nullable Path init;

    @Option(names = "--no-augment", description = "No random crop and flip.")
    private boolean noAugment;

    @Option(names = "--no-shuffle", description = "Take the images in their own order.")
    private boolean noShuffle;

    @Option(names = "--save", paramLabel = "FILE", description = "Also write the final weights to this file, .safetensors or .npz.")
    private @Nullable Path save;

    @Option(names = "--out", paramLabel = "DIR", description = "The run folder (default: a new one under runs/).")
    private @Nullable Path out;

    @Option(names = "--record-norms", paramLabel = "N",
            description = "Record the norms of all layers every N steps into norms.safetensors of the run folder; changes no result (default: every epoch).")
    private int recordNorms;

    @Option(names = "--tensorboard", description = "Also write metrics and norms as a TensorBoard event file into the run folder.")
    private boolean tensorBoard;

    @Option(names = "--resume", description = "Go on with the run in --out, with its own options.")
    private boolean resume;

    TrainCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        if (save != null) {
            CommonOptions.requireWritable("--save", save);
        }
        CommonOptions.requireEnding("--save", save, ".safetensors", ".npz");
        if (recordNorms < 0) {
            throw UserError.usage("--record-norms: expected a number of steps of at least 0, but got " + recordNorms);
        }
        TrainingSettings asked = resume ? resumed() : settings();
        try (Device device = common.openDevice(asked.conv())) {
            TrainingSettings settings = resume ? asked : asked.withConvolutions(device.convolutionMode());
            WarmUp.begin(settings.model(), device);
            DataSplits splits = resume ? DataSource.loadOfRun(settings.data()) : DataSource.loadToTrainOn(settings.data());
            if (!resume && model == null && init != null) {
                requireClassesOf(init, splits.train().classes());
            }
            DataSplits used = settings.limit() == 0 ? splits : splits.limit(settings.limit());
            used.notices().forEach(common.progress()::line);
            ImagesOfClasses.missing(splits.train(), used.train()).ifPresent(common.progress()::line);
            if (resume) {
                requireSame(used);
            }
            Path path = out != null ? out : freshFolder(settings);
            return train(settings, used, device, path);
        }
    }

    /// Fails if the images are not those with which the run began.
    private void requireSame(DataSplits used) throws IOException {
        Map<String, String> known = RunFolder.open(Objects.requireNonNull(out)).readInfo().provenance();
        for (String split : new String[] {"train", "test"}) {
            String hash = known.get(split + "_data_sha256");
            if (hash != null && !hash.equals(used.split(split).contentHash())) {
                throw UserError
                        .failure("--resume: the " + split + " images are not those with which the run began (their hash differs); bring "
                                + "the images back, or begin a new run");
            }
        }
    }

    private int train(TrainingSettings settings, DataSplits used, Device device, Path path) throws IOException {
        FolderLock lock = new FolderLock(path);
        TrainingRun.FolderSource source = summary -> {
            if (resume) {
                RunFolder.open(path);
            } else {
                RunFolder.requireNone(path);
            }
            lock.acquire();
            return resume ? RunFolder.open(path) : create(path, settings, used, device, summary);
        };
        try (lock; TrainingRun run = new TrainingRun(settings, used, device, source, common.progress())) {
            if (device.accelerator() != null) {
                run.resumeWith("train --out " + path + " --resume --device " + common.deviceName());
            }
            if (resume) {
                run.resume();
            }
            if (recordNorms > 0) {
                run.recordNorms(recordNorms);
            }
            if (tensorBoard) {
                run.writeEvents();
            }
            TrainingRun.Outcome outcome = run.run();
            if (!outcome.completed()) {
                return INTERRUPTED;
            }
            if (save != null) {
                Weights.save(outcome.model(), outcome.spec(), used.train().shape(), save);
            }
            report(settings, path, outcome);
            return 0;
        }
    }

    private void report(TrainingSettings settings, Path folder, TrainingRun.Outcome outcome) throws IOException {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", outcome.spec().toString());
        result.put("method", settings.method());
        result.put("epochs", settings.epochs());
        result.put("seconds", outcome.seconds());
        if (outcome.evaluation().isPresent()) {
            Evaluation test = outcome.evaluation().get();
            result.put("test", Map.of("n", test.count(), "accuracy", test.accuracy(), "loss", test.loss()));
            common.say(String.format(Locale.ROOT, "test accuracy %.2f%% on %d images, loss %s", 100 * test.accuracy(), test.count(),
                    Progress.loss(test.loss())));
        }
        result.put("run_folder", folder.toString());
        common.say("run folder: " + folder);
        common.writeJson(result);
    }

    private TrainingSettings settings() throws IOException {
        Method bundle = Method.parse(method == null ? "plain" : method);
        return new TrainingSettings(bundle.modelFor(modelName()), dataName(bundle), limit(),
                bundle.name(),
                epochs == null ? 15 : epochs, batchSize == null ? 128 : batchSize, lr == null ? 0.01 : lr,
                momentum == null ? 0.9 : momentum, weightDecay == null ? bundle.weightDecay() : weightDecay,
                schedule == null ? "constant" : schedule, normDecay == null ? bundle.normDecay() : Method.NormDecaySpec.parse(normDecay),
                projectBn == null ? bundle.projectBn() : limitOf("--project-bn", projectBn),
                clipping(bundle), adversarial.of(bundle), init == null ? "" : init.toString(), !noAugment, !noShuffle,
                common.convolutionMode(), bnStatistics == null ? OptionalInt.empty() : OptionalInt.of(bnStatistics), common.seed());
    }

    /// The model that was named, else the one that the weights to begin with are of.
    private String modelName() throws IOException {
        if (model != null) {
            return model;
        }
        Optional<String> known = init == null ? Optional.empty() : Weights.modelOf(init, "--init");
        known.ifPresent(name -> common.progress().line("model of " + init + ": " + name));
        return known.orElse("vgg11");
    }

    /// The data that was named, else that of the run whose weights the training begins with.
    private String dataName(Method bundle) throws IOException {
        if (data != null) {
            return data;
        }
        Optional<RunFolder> run = init == null ? Optional.empty() : Weights.runOf(init);
        if (run.isEmpty()) {
            return "synthetic";
        }
        RunInfo info = run.get().readInfo();
        String method = info.method().equals(bundle.name()) ? "" : ", and it was trained with --method " + info.method();
        common.progress().line("data of the run " + init + ": " + info.data() + "; its other settings are not taken over" + method);
        return info.data();
    }

    /// Fails if weights to begin with are of a model with another number of classes than the data, which the user may not know.
    private static void requireClassesOf(Path file, int classes) throws IOException {
        Optional<String> known = Weights.modelOf(file, "--init");
        if (known.isPresent() && Weights.parse(known.get()).classes() != classes) {
            throw UserError
                    .failure("--init: the weights are of " + known.get() + ", but the data has "
                            + Numbers.counted(classes, "class", "classes") + "; take weights of as "
                            + "many classes, or name the model with --model to train a head of another size on purpose");
        }
    }

    private Optional<Method.Clipping> clipping(Method bundle) {
        Optional<Method.Clipping> usual = svc == null ? bundle.svc() : limitOf("--svc", svc).map(Method.Clipping::at);
        if (usual.isEmpty() && (svd != null || svcAs != null || clipFreq != null)) {
            String option = svd != null ? "--svd" : svcAs != null ? "--svc-as" : "--clip-freq";
            throw UserError.usage(option + ": no singular values are clipped without --svc R or --method svc");
        }
        return usual.map(clipping -> new Method.Clipping(clipping.limit(), svd == null ? clipping.svd() : SvdNames.parse(svd),
                svcAs == null ? clipping.operator() : clippedOperator(svcAs), clipFreq == null ? clipping.clipFreq() : clipFreq));
    }

    private static ClippedOperator clippedOperator(String name) {
        try {
            return ClippedOperator.parse(name);
        } catch (IllegalArgumentException e) {
            throw UserError.usage("--svc-as: " + e.getMessage());
        }
    }

    private int limit() {
        if (limit != null) {
            DataOptions.requirePositive("--limit", limit);
        }
        return limit == null ? 0 : limit;
    }

    private static Optional<Double> limitOf(String option, String text) {
        try {
            return text.equals("none") ? Optional.empty() : Optional.of(Double.parseDouble(text));
        } catch (NumberFormatException e) {
            throw UserError.usage(option + ": expected a number or none, but got '" + text + "'");
        }
    }

    /// The settings of the run in the folder; options that would change them are refused.
    private TrainingSettings resumed() throws IOException {
        if (out == null) {
            throw UserError.usage("--resume: say which run with --out DIR");
        }
        Object[][] given = {{"--model", model}, {"--data", data}, {"--limit", limit}, {"--method", method}, {"--epochs", epochs},
            {"--batch-size", batchSize}, {"--lr", lr}, {"--momentum", momentum}, {"--weight-decay", weightDecay}, {"--schedule", schedule},
            {"--norm-decay", normDecay}, {"--project-bn", projectBn}, {"--svc", svc}, {"--svd", svd}, {"--svc-as", svcAs},
            {"--clip-freq", clipFreq}, {"--bn-statistics", bnStatistics}, {"--init", init},
            {"--conv", common.givenConvolutionMode().orElse(null)},
            {"--seed", common.givenSeed()}};
        RunFolder folder = RunFolder.open(out); // says first if there is none
        List<String> surplus = new ArrayList<>();
        Arrays.stream(given).filter(option -> option[1] != null).forEach(option -> surplus.add((String) option[0]));
        surplus.addAll(adversarial.given().keySet());
        if (noAugment) {
            surplus.add("--no-augment");
        }
        if (noShuffle) {
            surplus.add("--no-shuffle");
        }
        if (!surplus.isEmpty()) {
            String longer = surplus.contains("--epochs")
                    ? " (to train on after its end, begin a new run: train --init " + out + " --out DIR, with the settings that shall stay)"
                    : "";
            throw UserError.usage("--resume: the run goes on with its own options; leave " + String.join(", ", surplus) + " out" + longer);
        }
        Optional<String> gpu = common.isDeviceGiven() ? Optional.empty() : Provenance.gpu(folder.lastProvenance());
        if (gpu.isPresent()) {
            throw UserError.usage(
                    "--resume: the run was computed on a GPU (" + gpu.get() + "); add --device gpu to go on there, or --device cpu to "
                            + "go on on the CPU, whose sums differ in the last bits");
        }
        return TrainingSettings.parse(folder.readInfo().settings());
    }

    private RunFolder create(Path path, TrainingSettings settings, DataSplits data, Device device, Summary summary)
            throws IOException {
        RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, settings.title(), common.commandLine(), Instant.now(),
                settings.model(),
                settings.data(), settings.method(), settings.seed(), settings.epochs(), data.train().size(), data.test().size(),
                settings.toMap(), Provenance.of(device, summary, data));
        return RunFolder.create(path, info);
    }

    private static Path freshFolder(TrainingSettings settings) {
        String base = settings.folderName();
        Path path = Path.of("runs", base);
        for (int i = 2; Files.exists(path); i++) {
            path = Path.of("runs", base + "-" + i);
        }
        return path;
    }
}
