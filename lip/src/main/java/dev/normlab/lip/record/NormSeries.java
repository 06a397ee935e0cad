package dev.normlab.lip.record;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/// The norms of every layer over a training. It is written to and read from a safetensors file: `step`, `epoch`, `loss`, `accuracy`,
/// `test_accuracy`, and the sums `sum_l1` and `sum_linf`, each `[points]`, and `l1` and `linf` `[points, layers]`, with the layers in the
/// metadata. All but `step` are 32-bit floats.
///
/// @param layers   the layers in module order
/// @param points   in the order of the training
/// @param thinning which of all points these are, so that a recorder can go on; empty if that is not known
public record NormSeries(List<Layer> layers, List<NormPoint> points, Optional<Thinning> thinning) {

    private static final String LAYERS = "normlab.layers";
    private static final String STRIDE = "normlab.stride";
    private static final String SEEN = "normlab.seen";

    /// Copies the lists.
    public NormSeries {
        layers = List.copyOf(layers);
        points = List.copyOf(points);
    }

    /// Points of which it is not known how they were thinned.
    public NormSeries(List<Layer> layers, List<NormPoint> points) {
        this(layers, points, Optional.empty());
    }

    /// Which points were kept: every `stride`-th of those that were `seen`, beginning with the first, and the latest.
    public record Thinning(long stride, long seen) {}

    /// A layer.
    ///
    /// @param name within the model, for example `features.0`
    public record Layer(String name, LayerKind kind) {}

    /// The sum of one norm over the layers of some kinds, at every point.
    public double[] sums(Norm norm, Collection<LayerKind> kinds) {
        return points.stream().mapToDouble(point -> {
            double[] values = of(point, norm);
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += kinds.contains(layers.get(i).kind()) ? values[i] : 0;
            }
            return sum;
        }).toArray();
    }

    /// One norm of one layer at every point.
    public double[] of(int layer, Norm norm) {
        return points.stream().mapToDouble(point -> of(point, norm)[layer]).toArray();
    }

    private static double[] of(NormPoint point, Norm norm) {
        return norm == Norm.L1 ? point.l1() : point.linf();
    }

    /// Writes the series.
    ///
    /// @throws IOException if the file cannot be written
    public void write(Path file) throws IOException {
        Map<String, NumberArray> tensors = new LinkedHashMap<>();
        tensors.put("step", new NumberArray.Longs(Shape.of(points.size()), points.stream().mapToLong(NormPoint::step).toArray()));
        put(tensors, "epoch", NormPoint::epoch);
        put(tensors, "loss", NormPoint::loss);
        put(tensors, "accuracy", NormPoint::accuracy);
        put(tensors, "test_accuracy", NormPoint::testAccuracy);
        for (Norm norm : Norm.values()) {
            put(tensors, "sum_" + norm.label(), point -> sum(of(point, norm)));
            float[] values = new float[points.size() * layers.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) of(points.get(i / layers.size()), norm)[i % layers.size()];
            }
            tensors.put(norm.label(), new NumberArray.Floats(Shape.of(points.size(), layers.size()), values));
        }
        String names = String.join(",", layers.stream().map(layer -> layer.name() + ":" + layer.kind().label()).toList());
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(LAYERS, names);
        thinning.ifPresent(kept -> {
            metadata.put(STRIDE, Long.toString(kept.stride));
            metadata.put(SEEN, Long.toString(kept.seen));
        });
        Safetensors.write(file, tensors, metadata);
    }

    private void put(Map<String, NumberArray> tensors, String name, ToDoubleFunction<NormPoint> value) {
        float[] values = new float[points.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) value.applyAsDouble(points.get(i));
        }
        tensors.put(name, new NumberArray.Floats(Shape.of(values.length), values));
    }

    /// The sum of the values as the file has them, so that a series that was read gives the same.
    private static double sum(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += (float) value;
        }
        return sum;
    }

    /// Reads a series.
    ///
    /// @throws IOException if the file cannot be read or holds no series
    public static NormSeries read(Path file) throws IOException {
        Safetensors.Contents contents = Safetensors.read(file);
        String names = contents.metadata().get(LAYERS);
        if (names == null) {
            throw new FormatException(file.toString(), "the file holds no series of norms: its metadata has no " + LAYERS);
        }
        List<Layer> layers = new ArrayList<>();
        for (String entry : names.isEmpty() ? new String[0] : names.split(",")) {
            int colon = entry.lastIndexOf(':');
            layers.add(new Layer(entry.substring(0, colon), LayerKind.valueOf(entry.substring(colon + 1).toUpperCase(Locale.ROOT))));
        }
        if (!(contents.tensors().get("step") instanceof NumberArray.Longs(Shape _, long[] steps))) {
            throw new FormatException(file.toString(), "the file holds no series of norms: it has no array of steps");
        }
        List<NormPoint> points = new ArrayList<>();
        for (int i = 0; i < steps.length; i++) {
            points.add(new NormPoint(steps[i], contents.floats("epoch").values()[i], contents.floats("loss").values()[i],
                    contents.floats("accuracy").values()[i], contents.floats("test_accuracy").values()[i],
                    row(contents.floats("l1").values(), i, layers.size()), row(contents.floats("linf").values(), i, layers.size())));
        }
        return new NormSeries(layers, points, thinning(contents));
    }

    /// Files of earlier versions do not say it.
    private static Optional<Thinning> thinning(Safetensors.Contents contents) throws IOException {
        String stride = contents.metadata().get(STRIDE);
        String seen = contents.metadata().get(SEEN);
        if (stride == null || seen == null) {
            return Optional.empty();
        }
        try {
            Thinning thinning = new Thinning(Long.parseLong(stride), Long.parseLong(seen));
            if (thinning.stride >= 1 && thinning.seen >= 0) {
                return Optional.of(thinning);
            }
        } catch (NumberFormatException e) {
            throw new FormatException(contents.source(), "the series of norms has no valid " + STRIDE + " and " + SEEN, e);
        }
        throw new FormatException(contents.source(), "the series of norms has no valid " + STRIDE + " and " + SEEN);
    }

    private static double[] row(float[] values, int row, int length) {
        double[] result = new double[length];
        for (int i = 0; i < length; i++) {
            result[i] = values[row * length + i];
        }
        return result;
    }
}
