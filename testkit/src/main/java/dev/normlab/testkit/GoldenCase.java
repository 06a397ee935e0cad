package dev.normlab.testkit;

import dev.normlab.engine.io.Json;
import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One case of results computed by PyTorch: an operation with attributes, its inputs, and what should come out, with the float32 error that
/// PyTorch itself had against its own float64 result.
///
/// The cases are resources of this module: `golden` holds the first 88, `golden-extra` further ones. A case is a folder with `case.json`
/// and `.npy` arrays.
public final class GoldenCase {

    private static final int MAX_VALUES = 100_000;

    private final Path folder;
    private final Map<String, @Nullable Object> json;

    /// An array that goes in.
    ///
    /// @param isDifferentiated whether its gradient is among the results
    public record Input(String name, Tensor value, boolean isDifferentiated) {}

    /// An array that should come out.
    ///
    /// @param tolerance how far a float32 implementation may be off: 8 times PyTorch's own float32 error, at least 2e-6 of the largest
    ///     magnitude; 0 for
    ///     integers
    public record Output(String name, Tensor value, double tolerance) {

        /// Fails if a tensor is not this one within the tolerance.
        public void check(String what, Tensor actual) {
            check(what, actual, Expected.ROUNDING);
        }

        /// As [#check(String, Tensor)] for results of a device that takes the factors of matrix products with this relative error.
        void check(String what, Tensor actual, double rounding) {
            double[] values = value.dtype() == actual.dtype() ? Expected.toDoubles(value) : new double[0];
            if (!value.shape().equals(actual.shape())) {
                throw new AssertionError(what + ": expected " + value + ", but got " + actual);
            }
            new Expected(values, Expected.fill(values.length, _ -> tolerance)).withFactorsOf(rounding).check(what, actual);
        }
    }

    private GoldenCase(Path folder) {
        this.folder = folder;
        this.json = object(parse(folder.resolve("case.json")));
    }

    /// All cases of `golden` or `golden-extra`, in the order of their index.
    public static List<GoldenCase> all(String collection) {
        Path root = root(collection);
        List<GoldenCase> cases = new ArrayList<>();
        for (Object name : list(parse(root.resolve("index.json")))) {
            cases.add(new GoldenCase(root.resolve((String) Objects.requireNonNull(name))));
        }
        return cases;
    }

    /// One case of a collection.
    public static GoldenCase of(String collection, String name) {
        return new GoldenCase(root(collection).resolve(name));
    }

    /// The name of the case.
    public String name() {
        return text("name", json);
    }

    /// The operation, in PyTorch's words.
    public String operation() {
        return text("op", json);
    }

    /// Everything that the case's description says.
    public Map<String, @Nullable Object> description() {
        return json;
    }

    /// What goes in, in order. Integers are 32 bits wide.
    public List<Input> inputs() {
        List<Input> inputs = new ArrayList<>();
        for (Object each : list(json.get("inputs"))) {
            Map<String, @Nullable Object> input = object(each);
            inputs.add(new Input(text("name", input), array(text("file", input)),
                    (Boolean) Objects.requireNonNull(input.get("requires_grad"))));
        }
        return inputs;
    }

    /// What should come out, in order.
    public List<Output> outputs() {
        List<Output> outputs = new ArrayList<>();
        for (Object each : list(json.get("expected"))) {
            Map<String, @Nullable Object> output = object(each);
            Object error = output.get("f32_vs_f64_max_abs_err");
            double tolerance = error == null
                    ? 0
                    : Math.max(8 * number(error), 2e-6 * number(Objects.requireNonNull(output.get("max_abs"))));
            outputs.add(new Output(text("name", output), array(text("file", output)), tolerance));
        }
        return outputs;
    }

    /// The gradient of the output `y` with which the backward pass began.
    public Tensor outputGradient() {
        return array(text("grad_output", json));
    }

    /// An array of the case by its file name.
    public Tensor array(String file) {
        try {
            NumberArray array = Npy.read(folder.resolve(file));
            if (array instanceof NumberArray.Floats floats) {
                return Tensor.of(floats.shape(), floats.values());
            }
            int[] values = new int[array.length()];
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.toIntExact(array.integer(i));
            }
            return Tensor.ofInts(array.shape(), values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A whole number among the attributes.
    public int integer(String attribute) {
        return (int) number(attribute(attribute));
    }

    /// A number among the attributes.
    public float real(String attribute) {
        return (float) number(attribute(attribute));
    }

    /// A truth value among the attributes.
    public boolean flag(String attribute) {
        return (Boolean) attribute(attribute);
    }

    /// A word among the attributes.
    public String word(String attribute) {
        return (String) attribute(attribute);
    }

    /// A list of whole numbers among the attributes; empty if there is no such attribute.
    public int[] integers(String attribute) {
        Object value = attributes().get(attribute);
        return value == null ? new int[0] : list(value).stream().mapToInt(each -> (int) number(Objects.requireNonNull(each))).toArray();
    }

    /// Whether the attribute is there and not null.
    public boolean has(String attribute) {
        return attributes().get(attribute) != null;
    }

    private Map<String, @Nullable Object> attributes() {
        return object(json.get("attrs"));
    }

    private Object attribute(String attribute) {
        return Objects.requireNonNull(attributes().get(attribute), () -> name() + " has no attribute " + attribute);
    }

    @Override
    public String toString() {
        return name();
    }

    private static Path root(String collection) {
        URL index = Objects.requireNonNull(GoldenCase.class.getResource("/" + collection + "/index.json"),
                "the golden files are not on the class path");
        try {
            URI uri = index.toURI();
            if (uri.getScheme().equals("jar")) {
                openArchive(uri);
            }
            return Objects.requireNonNull(Path.of(uri).getParent());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Resources in an archive become readable as paths; the archive stays open as long as the JVM runs.
    private static void openArchive(URI uri) {
        try {
            FileSystems.newFileSystem(uri, Map.of());
        } catch (FileSystemAlreadyExistsException e) {
            // It is open from an earlier call.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static @Nullable Object parse(Path file) {
        try {
            return Json.parse(file.toString(), Files.readString(file), MAX_VALUES);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, @Nullable Object> object(@Nullable Object value) {
        return (Map<String, @Nullable Object>) Objects.requireNonNull(value, "an object is missing");
    }

    @SuppressWarnings("unchecked")
    private static List<@Nullable Object> list(@Nullable Object value) {
        return (List<@Nullable Object>) Objects.requireNonNull(value, "a list is missing");
    }

    private static String text(String key, Map<String, @Nullable Object> of) {
        return (String) Objects.requireNonNull(of.get(key), () -> "there is no " + key);
    }

    private static double number(Object value) {
        return ((Number) value).doubleValue();
    }
}
