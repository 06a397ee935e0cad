package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.interchange.OnnxExport;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `export`: a model for other programs.
@Command(name = "export",
        description = "Write a model for other programs: as ONNX (the forward pass with its weights) or its weights alone.",
        sortOptions = false)
final class ExportCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Option(names = "--out", paramLabel = "FILE", required = true,
            description = "Where to; the ending says the format: .onnx (images in [0, 1] to logits, any batch, evaluation mode), .safetensors or .npz.")
    private Path out = Path.of("");

    @Option(names = "--input", paramLabel = "CxHxW", description = "The size of the images of an ONNX model " + Images.DEFAULT + ".")
    private @Nullable String input;

    ExportCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        String name = out.toString().toLowerCase(Locale.ROOT);
        if (Stream.of(".onnx", ".safetensors", ".npz").noneMatch(name::endsWith)) {
            throw UserError.usage("--out: expected a file that ends in .onnx, .safetensors or .npz, but got " + out);
        }
        CommonOptions.requireWritable("--out", out);
        ImageShape given = Images.given("--input", input);
        try (Device device = common.openDevice()) {
            Weights weights = models.load(common.seed());
            ImageShape image = Images.of(given, weights);
            boolean onnx = name.endsWith(".onnx");
            if (onnx) {
                writeOnnx(weights, image, device);
            } else {
                Weights.save(weights.model(), weights.spec(), weights.images() != null ? weights.images() : given, out);
            }
            common.say(weights.spec() + (onnx ? " for images of " + image : "") + ": " + out + ", "
                    + String.format(Locale.ROOT, "%.1f MB", Files.size(out) / 1e6));
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("model", weights.spec().toString());
            json.put("file", out.toString());
            json.put("bytes", Files.size(out));
            if (onnx) {
                json.put("images", image.toString());
            }
            common.writeJson(json);
            return 0;
        }
    }

    private void writeOnnx(Weights weights, ImageShape image, Device device) throws IOException {
        try {
            OnnxExport.write(weights.model(), weights.spec().toString(), image, device, out);
        } catch (IllegalArgumentException e) {
            throw UserError.failure("--out: " + e.getMessage());
        }
    }
}
