package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorArrangementsTest {

    /// Maps of one pixel move as they lie, larger ones are transposed, those below a vector go pixel by pixel.
    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "3, 5, 1, 1", "2, 16, 1, 1", "300, 512, 1, 1", "300, 501, 1, 1", "7, 37, 1, 1", "2, 20, 2, 2", "3, 33, 5, 7",
        "1, 16, 64, 64"})
    void repackingAgreesWithTheLayouts(int n, int c, int h, int w) {
        Shape shape = Shape.of(n, c, h, w);
        Layout blocked = Layout.blocked(Lanes.V);
        float[] plain = new float[shape.elements()];
        RandomStream.of(n + c, "repacking").fillUniform(plain, -1f, 1f);
        float[] packed = new float[blocked.length(shape)];
        blocked.pack(shape, plain, packed);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            VectorArrangements arrangements = new VectorArrangements(new ScalarKernels().arrangements());
            Storage from = Storage.ofFloats(shape, Layout.PLAIN, plain), to = stale(shape, blocked), back = stale(shape, Layout.PLAIN);
            arrangements.repack(from, to, workspace);
            assertArrayEquals(packed, to.floats(), "padding too");
            arrangements.repack(to, back, workspace);
            assertArrayEquals(plain, back.floats());
        }
    }

    private static Storage stale(Shape shape, Layout layout) {
        float[] values = new float[layout.length(shape)];
        Arrays.fill(values, Float.NaN);
        return Storage.ofFloats(shape, layout, values);
    }
}
