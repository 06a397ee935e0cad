package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// All models at full width compute the logits of the PyTorch reference, from weights that `tools/golden/make_zoo_logits.py` describes.
class ZooLogitsTest {

    private static final Shape IMAGES = Shape.of(2, 3, 32, 32);
    // One or two small ones of each family; the others are slow.
    private static final List<String> SOME = List.of("vgg11", "resnet18", "resnet50", "preactresnet18", "preactresnet50", "resnext29_32x4d",
            "senet18", "regnetx200mf", "regnety400mf", "densenet_cifar", "dpn26", "googlenet", "pnasneta", "pnasnetb", "lenet", "mobilenet",
            "mobilenetv2", "shufflenetg2", "shufflenetg3", "shufflenetv2_0.5", "efficientnetb0", "wrn28-10");

    private static List<String> lines() {
        try (InputStream in = Objects.requireNonNull(ZooLogitsTest.class.getResourceAsStream("/models/zoo-logits.txt"));
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> some() {
        return SOME;
    }

    private static Stream<String> others() {
        return Models.names().stream().filter(name -> !SOME.contains(name));
    }

    @Test
    void everyModelIsThere() {
        assertEquals(Models.names(), lines().stream().map(line -> line.split(" ")[0]).toList());
        assertEquals(Models.names().size(), some().size() + others().count());
    }

    @ParameterizedTest
    @MethodSource("some")
    void logitsAreTheReferences(String name) {
        check(name);
    }

    @ParameterizedTest
    @MethodSource("others")
    @Tag("slow")
    void logitsOfAllOthersAreTheReferences(String name) {
        check(name);
    }

    private static void check(String name) {
        String line = lines().stream().filter(each -> each.startsWith(name + " ")).findFirst().orElseThrow();
        double[] expected = Arrays.stream(line.split(" ")).skip(1).mapToDouble(Double::parseDouble).toArray();
        Layer model = Models.build(ModelSpec.parse(name));
        model.namedParameters().forEach((key, parameter) -> parameter.set(values(key, parameter.shape())));
        model.namedBuffers().forEach((key, buffer) -> buffer.set(values(key, buffer.shape())));
        model.eval();
        try (Device device = Device.cpu(2); Tape tape = Tape.inference(device)) {
            float[] logits = model.forward(tape, Tensor.of(IMAGES, values("images", IMAGES))).toArray();
            assertEquals(expected.length, logits.length);
            double largest = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElseThrow());
            for (int i = 0; i < logits.length; i++) {
                assertEquals(expected[i], logits[i], 1e-4 * largest, name + ": logit " + i);
            }
        }
    }

    private static float[] values(String name, Shape shape) {
        CRC32 crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        int seed = (int) crc.getValue();
        double reach = shape.rank() < 2 ? 0 : Math.sqrt(6.0 / (shape.elements() / shape.size(0)));
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) value(name, reach, uniform(i, seed));
        }
        return values;
    }

    /// @param reach of weights of rank 2 and more; 0 for others
    private static double value(String name, double reach, double u) {
        if (name.equals("images")) {
            return u;
        } else if (name.endsWith("running_var")) {
            return 0.5 + u;
        } else if (name.endsWith("running_mean")) {
            return 0.2 * (2 * u - 1);
        } else if (name.endsWith("bias")) {
            return 0.1 * (2 * u - 1);
        }
        return reach == 0 ? 0.8 + 0.4 * u : (2 * u - 1) * reach;
    }

    // 24 bits of MurmurHash3's finaliser.
    private static double uniform(int i, int seed) {
        int h = i * 0x9E3779B1 + seed;
        h = (h ^ h >>> 16) * 0x85EBCA6B;
        h = (h ^ h >>> 13) * 0xC2B2AE35;
        return ((h ^ h >>> 16) >>> 8) / (double) (1 << 24);
    }
}
