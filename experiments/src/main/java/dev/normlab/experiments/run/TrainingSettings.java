package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.lip.spectral.ClippedOperator;
import dev.normlab.lip.spectral.SvdMethod;
import dev.normlab.nn.optim.Schedule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Everything that determines the result of a training run, as on the command line. The same settings give bitwise the same weights.
///
/// @param model     a model specification, for example `vgg11:width=0.25`
/// @param data      a data specification
/// @param limit     the number of images used of each split, 0 for all
/// @param schedule  one of [#SCHEDULES]
/// @param init      a file with initial weights, or empty to draw them
/// @param normDecay empty for none
/// @param projectBn the largest norm of batch norm layers; empty for none
/// @param svc       how singular values of convolutions and linear layers are clipped; empty for not at all
/// @param adversarial how adversarial images are made and trained on; empty for plain cross entropy
/// @param augment   random crop and flip
/// @param conv      how convolutions are computed
/// @param bnStatistics the number of training images on which the running statistics of batch norm are estimated anew at the end of every
///                  epoch, 0 for never; empty for [#statisticsImages]
public record TrainingSettings(String model, String data, int limit, String method, int epochs, int batchSize, double lr, double momentum,
        double weightDecay, String schedule, Optional<Method.NormDecaySpec> normDecay, Optional<Double> projectBn,
        Optional<Method.Clipping> svc,
        Optional<AdversarialSettings> adversarial, String init, boolean augment, boolean shuffle, ConvolutionMode conv,
        OptionalInt bnStatistics, long seed) {

    /// Names of schedules: constant; the reference's (x .1/.01/.001 from epochs 75/90/100); half a cosine to 0 over the run's epochs.
    public static final List<String> SCHEDULES = List.of("constant", "reference", "cosine");

    /// On how many training images clipping lets batch norm estimate its statistics, unless another number is given.
    public static final int STATISTICS_IMAGES = 1024;

    private static final double ABSURD_RATE = 1e6;
    /// What is smaller is hardly meant, and 0 as a float.
    private static final double TINY = 1e-30;

    /// Checks the values.
    ///
    /// @throws UserError if a number is out of range or a name unknown
    public TrainingSettings {
        require(limit >= 0, "--limit", "a number of images of at least 1", limit);
        require(epochs >= 1 && epochs <= 1_000_000, "--epochs", "a number from 1 to 1000000", epochs);
        require(batchSize >= 1 && batchSize <= 1_000_000, "--batch-size", "a number from 1 to 1000000", batchSize);
        require(lr >= TINY && lr <= ABSURD_RATE, "--lr", "a number above 0 and at most 1e6", lr);
        require(momentum >= 0 && momentum < 1, "--momentum", "a number of at least 0 and below 1", momentum);
        require(weightDecay >= 0 && weightDecay <= ABSURD_RATE, "--weight-decay", "a number from 0 to 1e6", weightDecay);
        double radius = projectBn.orElse(1.0);
        require(radius >= TINY && radius <= 1e12, "--project-bn", "a number above 0 and at most 1e12", radius);
        require(bnStatistics.orElse(0) >= 0, "--bn-statistics", "a number of images of at least 0", bnStatistics.orElse(0));
        if (!SCHEDULES.contains(schedule)) {
            throw UserError.usage("--schedule: there is no schedule '" + schedule + "'" + Nearest.hint(schedule, SCHEDULES)
                    + "; known schedules: " + String.join(", ", SCHEDULES));
        }
    }

    private static void require(boolean holds, String option, String expected, Object got) {
        if (!holds) {
            throw UserError.usage(option + ": expected " + expected + ", but got " + got);
        }
    }

    /// On how many training images the running statistics of batch norm are estimated anew at the end of every epoch: with singular value
    /// clipping, which then changes weights behind the back of batch norm, 1,024 unless said otherwise, else none.
    public int statisticsImages() {
        return bnStatistics.orElse(svc.isPresent() ? STATISTICS_IMAGES : 0);
    }

    /// The learning rate's schedule.
    public Schedule learningRates() {
        return switch (schedule) {
            case "reference" -> Schedule.reference();
            case "cosine" -> Schedule.cosine(epochs, 0);
            default -> Schedule.constant();
        };
    }

    /// A short name for figures and tables: the method with what differs from the bundle of that name, as in `plain, svc 1.0`.
    public String title() {
        if (!Method.names().contains(method)) {
            return method;
        }
        Map<String, String> usual = withBundle(Method.parse(method)).toMap();
        svc.map(clipping -> Method.Clipping.at(clipping.limit())).ifPresent(clipping -> {
            usual.putIfAbsent("svd", clipping.svd().label());
            usual.putIfAbsent("svc_as", clipping.operator().label());
            usual.putIfAbsent("clip_freq", Integer.toString(clipping.clipFreq()));
        });
        StringBuilder title = new StringBuilder(method);
        toMap().forEach((key, value) -> {
            if (!value.equals(usual.get(key))) {
                title.append(", ").append(key.replace('_', ' ')).append(' ').append(Numbers.setting(key, value));
            }
        });
        return title.toString();
    }

    /// A name for a run folder, of letters, digits, dots and hyphens: model, [#title()] and seed, as in `vgg11-plain-svc-1.0-seed0`.
    public String folderName() {
        return (model + "-" + title() + "-seed" + seed).replaceAll("[^A-Za-z0-9.]+", "-");
    }

    /// The same settings with the convolutions that a device really has: without the fast kernels they are exact, whatever was asked for.
    public TrainingSettings withConvolutions(ConvolutionMode mode) {
        return new TrainingSettings(model, data, limit, method, epochs, batchSize, lr, momentum, weightDecay, schedule, normDecay,
                projectBn, svc, adversarial, init, augment, shuffle, mode, bnStatistics, seed);
    }

    /// The same settings with another seed.
    public TrainingSettings withSeed(long other) {
        return new TrainingSettings(model, data, limit, method, epochs, batchSize, lr, momentum, weightDecay, schedule, normDecay,
                projectBn,
                svc, adversarial, init, augment, shuffle, conv, bnStatistics, other);
    }

    /// The same settings without norm decay, projections and clipping.
    public TrainingSettings withoutHooks() {
        return new TrainingSettings(model, data, limit, method, epochs, batchSize, lr, momentum, weightDecay, schedule, Optional.empty(),
                Optional.empty(), Optional.empty(), adversarial, init, augment, shuffle, conv, bnStatistics, seed);
    }

    private TrainingSettings withBundle(Method bundle) {
        return new TrainingSettings(model, data, limit, method, epochs, batchSize, lr, momentum, bundle.weightDecay(), schedule,
                bundle.normDecay(), bundle.projectBn(), bundle.svc(), bundle.adversarial(), init, augment, shuffle, conv,
                OptionalInt.empty(), seed);
    }

    /// All settings by the names of their options, for the run folder; [#parse] reads them back.
    public Map<String, String> toMap() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("model", model);
        map.put("data", data);
        map.put("limit", Integer.toString(limit));
        map.put("method", method);
        map.put("epochs", Integer.toString(epochs));
        map.put("batch_size", Integer.toString(batchSize));
        map.put("lr", Double.toString(lr));
        map.put("momentum", Double.toString(momentum));
        map.put("weight_decay", Double.toString(weightDecay));
        map.put("schedule", schedule);
        map.put("norm_decay", normDecay.map(Method.NormDecaySpec::toString).orElse("none"));
        map.put("project_bn", projectBn.map(String::valueOf).orElse("none"));
        map.put("svc", svc.map(clipping -> Double.toString(clipping.limit())).orElse("none"));
        svc.ifPresent(clipping -> {
            map.put("svd", clipping.svd().label());
            map.put("svc_as", clipping.operator().label());
            map.put("clip_freq", Integer.toString(clipping.clipFreq()));
        });
        adversarial.ifPresent(settings -> map.putAll(settings.toMap()));
        map.put("init", init);
        map.put("augment", Boolean.toString(augment));
        map.put("shuffle", Boolean.toString(shuffle));
        map.put("conv", conv.toString());
        bnStatistics.ifPresent(images -> map.put("bn_statistics", Integer.toString(images)));
        map.put("seed", Long.toString(seed));
        return map;
    }

    /// The settings of a map.
    ///
    /// @throws UserError if one is missing or no value of its kind
    public static TrainingSettings parse(Map<String, String> map) {
        Reader in = new Reader(map);
        try {
            String projection = in.text("project_bn");
            return new TrainingSettings(in.text("model"), in.text("data"), Integer.parseInt(in.text("limit")), in.text("method"),
                    Integer.parseInt(in.text("epochs")), Integer.parseInt(in.text("batch_size")), Double.parseDouble(in.text("lr")),
                    Double.parseDouble(in.text("momentum")), Double.parseDouble(in.text("weight_decay")), in.text("schedule"),
                    Method.NormDecaySpec.parse(in.text("norm_decay")),
                    projection.equals("none") ? Optional.empty() : Optional.of(Double.parseDouble(projection)),
                    clipping(map), AdversarialSettings.parse(map), in.text("init"), in.flag("augment"),
                    in.flag("shuffle"),
                    convolutionMode(map), bnStatistics(map), Long.parseLong(in.text("seed")));
        } catch (NumberFormatException e) {
            throw UserError.failure("the settings of the run folder have a value that is no number: " + e.getMessage());
        }
    }

    // Only where it was asked for.
    private static OptionalInt bnStatistics(Map<String, String> map) {
        String images = map.get("bn_statistics");
        return images == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(images));
    }

    // Run folders of earlier versions say nothing of it, or only the limit.
    private static Optional<Method.Clipping> clipping(Map<String, String> map) {
        String limit = map.getOrDefault("svc", "none");
        if (limit.equals("none")) {
            return Optional.empty();
        }
        Method.Clipping usual = Method.Clipping.at(Double.parseDouble(limit));
        int clipFreq = Integer.parseInt(map.getOrDefault("clip_freq", Integer.toString(usual.clipFreq())));
        try {
            return Optional.of(new Method.Clipping(usual.limit(), SvdMethod.parse(map.getOrDefault("svd", usual.svd().label())),
                    ClippedOperator.parse(map.getOrDefault("svc_as", usual.operator().label())), clipFreq));
        } catch (IllegalArgumentException e) {
            throw UserError.failure("the settings of the run folder: " + e.getMessage());
        }
    }

    /// The mode of convolutions in the settings of a run folder. Runs from before there were two do not name theirs: they were exact.
    ///
    /// @throws UserError if there is no such mode
    public static ConvolutionMode convolutionMode(Map<String, String> settings) {
        try {
            return ConvolutionMode.of(settings.getOrDefault("conv", "exact"));
        } catch (IllegalArgumentException e) {
            throw UserError.failure("the settings of the run folder: " + e.getMessage());
        }
    }

    private record Reader(Map<String, String> map) {

        String text(String key) {
            String value = map.get(key);
            if (value == null) {
                throw UserError.failure("the settings of the run folder lack '" + key + "'; was it written by another version?");
            }
            return value;
        }

        boolean flag(String key) {
            String value = text(key);
            if (!value.equals("true") && !value.equals("false")) {
                throw UserError.failure(key + ": expected true or false, but got '" + value + "'");
            }
            return value.equals("true");
        }
    }
}
