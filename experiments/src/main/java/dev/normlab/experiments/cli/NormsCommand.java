package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.run.NormMeasurement;
import dev.normlab.experiments.run.Quantity;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.lip.bound.NetworkBound;
import dev.normlab.lip.bound.SpectralBound;
import dev.normlab.lip.spectral.LargestSingularValue;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `norms`: norms, bounds and spectra of every layer, and bounds of the network.
@Command(name = "norms", sortOptions = false,
        description = "Measure norms, bounds and spectra of all layers of a model, and bounds of the whole network.")
final class NormsCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Option(names = "--norm", paramLabel = "LIST", split = ",",
            description = "l1, linf (exact), l2 (estimate from below), l2-bound (guaranteed upper bound), circular (largest value of the circular "
                    + "spectrum), or all (default: l1,linf).")
    private List<String> norms = List.of("l1", "linf");

    @Option(names = "--network", description = "Upper bounds of the whole network in l1, l2 and linf, with the factor of every operation.")
    private boolean network;

    @Option(names = "--spectrum", paramLabel = "LIST", split = ",",
            description = "All singular values of these layers as circular convolutions, or of all.")
    private List<String> spectra = List.of();

    @Option(names = "--svd", paramLabel = "NAME",
            description = "How spectra are computed: gram (default, the fastest), ejml-values, jacobi or ejml. The first two show no "
                    + "values below 1e-7 of the largest.")
    private String svd = "gram";

    @Option(names = "--compare", paramLabel = "PATH", arity = "2",
            description = "Two checkpoints beside each other instead of --weights: safetensors files or run folders.")
    private List<Path> compared = List.of();

    @Option(names = "--input", paramLabel = "CxHxW",
            description = "The size of the images, on which norms of convolutions depend " + Images.DEFAULT + ".")
    private @Nullable String input;

    NormsCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        NormMeasurement.Request request = new NormMeasurement.Request(Quantity.parse(norms), spectra, SvdNames.parse(svd),
                LargestSingularValue.Options.ACCURATE, common.seed());
        ImageShape given = Images.given("--input", input);
        if (!compared.isEmpty() && (network || !spectra.isEmpty() || models.hasWeights())) {
            throw UserError.usage("--compare shows norms of two checkpoints; leave --weights, --network and --spectrum out");
        }
        try (Device device = common.openDevice()) {
            if (compared.isEmpty()) {
                one(request, given, device);
            } else {
                two(request, given, device);
            }
            return 0;
        }
    }

    private void one(NormMeasurement.Request request, @Nullable ImageShape given, Device device) throws IOException {
        Weights weights = models.load(common.seed());
        ImageShape image = Images.of(given, weights);
        Weights.summarize(weights.model(), image, device);
        Set<Quantity> wanted = request.quantities();
        NormMeasurement measured = NormMeasurement.of(weights.model(), request, device);
        common.say(weights.spec() + ", " + weights.source() + ", images of " + image);
        NormTables.table(measured, wanted).forEach(common::say);
        Map<String, Object> json = new LinkedHashMap<>(NormTables.json(measured, wanted));
        if (network) {
            NetworkBound bound = NetworkBound.of(weights.model(), Shape.of(1, image.channels(), image.height(), image.width()),
                    NetworkBound.Box.PIXELS, SpectralBound.guaranteed(device.workers()), device);
            NormTables.network(bound).forEach(common::say);
            json.put("network_bound", NormTables.networkJson(bound));
        }
        common.writeJson(json);
    }

    private void two(NormMeasurement.Request request, @Nullable ImageShape given, Device device) throws IOException {
        Weights first = models.load(compared.get(0), common.seed());
        Weights second = models.load(compared.get(1), common.seed());
        ImageShape firstImage = Images.of(given, first);
        ImageShape secondImage = Images.of(given, second);
        Weights.summarize(first.model(), firstImage, device);
        Weights.summarize(second.model(), secondImage, device);
        NormMeasurement a = NormMeasurement.of(first.model(), request, device);
        NormMeasurement b = NormMeasurement.of(second.model(), request, device);
        common.say("A: " + first.spec() + ", " + first.source() + "; B: " + second.spec() + ", " + second.source() + "; images of "
                + (firstImage.equals(secondImage) ? firstImage : firstImage + " and " + secondImage + " (--input for one size)"));
        NormTables.comparison(a, b, request.quantities()).forEach(common::say);
        Map<String, Object> json = new LinkedHashMap<>(NormTables.comparisonJson(a, b, request.quantities()));
        json.put("sources", List.of(first.source(), second.source()));
        common.writeJson(json);
    }
}
