package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ImageSize;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The norms of whole networks against row and column sums that are added up place by place from the definition.
class NetworkNormsTest {

    /// The largest column and row sum of a layer's absolute matrix.
    private record Sums(double l1, double linf) {}

    @ParameterizedTest(name = "{0}: {1} layers")
    @CsvSource({"vgg11, 17", "resnet18, 41", "senet18, 54", "regnetx200mf, 89"})
    void everyLayerHasItsExactNormsAndNoneIsSkipped(String name, int layers) {
        Layer model = Models.create(name, 5);
        try (Device device = Device.scalar(1)) {
            Summary.of(model, 3, 32, 32, device);
        }
        LayerNorms measured = LayerNorms.of(model);
        assertEquals(layers, measured.layers().size());
        Map<String, Layer> byName = model.namedLayers();
        for (LayerNorms.LayerNorm norm : measured.layers()) {
            Sums expected = sums(byName.get(norm.name()));
            assertEquals(expected.l1(), norm.l1(), 1e-9 * expected.l1(), norm.name());
            assertEquals(expected.linf(), norm.linf(), 1e-9 * expected.linf(), norm.name());
        }
    }

    private static Sums sums(Layer layer) {
        return switch (layer) {
            case Conv2d conv -> convolution(conv);
            case Linear linear -> matrix(linear.weight().tensor().toArray(), linear.outFeatures(), linear.inFeatures());
            case BatchNormalization batchNorm -> {
                double scale = 1 / Math.sqrt(1 + (double) batchNorm.options().eps());
                yield new Sums(scale, scale); // fresh batch norm: gamma and variance are 1
            }
            default -> throw new IllegalArgumentException("no norm is expected of " + layer);
        };
    }

    private static Sums matrix(float[] weight, int rows, int columns) {
        double[] rowSums = new double[rows];
        double[] columnSums = new double[columns];
        for (int i = 0; i < weight.length; i++) {
            rowSums[i / columns] += Math.abs(weight[i]);
            columnSums[i % columns] += Math.abs(weight[i]);
        }
        return new Sums(largest(columnSums), largest(rowSums));
    }

    /// Adds `|weight|` to the row of its output and the column of its input wherever a tap reads the image.
    private static Sums convolution(Conv2d conv) {
        Conv2dGeometry g = conv.geometry();
        ImageSize size = conv.inputSize().orElseThrow();
        float[] weight = conv.weight().tensor().toArray();
        int o = conv.outChannels(), groupInputs = conv.inChannels() / g.groups(), groupOutputs = o / g.groups();
        int kh = conv.weight().shape().size(2), kw = conv.weight().shape().size(3);
        int oh = g.outputRows(size.h(), kh), ow = g.outputColumns(size.w(), kw);
        double[] rowSums = new double[o * oh * ow];
        double[] columnSums = new double[conv.inChannels() * size.h() * size.w()];
        for (int i = 0; i < weight.length; i++) {
            int u = i % kw, t = i / kw % kh, ic = i / (kw * kh) % groupInputs, io = i / (kw * kh * groupInputs);
            int channel = io / groupOutputs * groupInputs + ic;
            for (int ioh = 0; ioh < oh; ioh++) {
                int ih = ioh * g.strideH() + t * g.dilationH() - g.padTop();
                for (int iow = 0; ih >= 0 && ih < size.h() && iow < ow; iow++) {
                    int iw = iow * g.strideW() + u * g.dilationW() - g.padLeft();
                    if (iw >= 0 && iw < size.w()) {
                        rowSums[(io * oh + ioh) * ow + iow] += Math.abs(weight[i]);
                        columnSums[(channel * size.h() + ih) * size.w() + iw] += Math.abs(weight[i]);
                    }
                }
            }
        }
        return new Sums(largest(columnSums), largest(rowSums));
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).max().orElse(0);
    }
}
