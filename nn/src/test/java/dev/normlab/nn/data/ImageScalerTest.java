package dev.normlab.nn.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ImageScalerTest {

    private static float[] values(NumberArray array) {
        return ((NumberArray.Floats) array).values();
    }

    /// The archive is made by `tools/golden/make_scaled_images.py`.
    @Test
    void scaledImagesAreThoseOfPyTorch() throws IOException, URISyntaxException {
        Map<String, NumberArray> golden = Npz
                .read(Path.of(Objects.requireNonNull(ImageScalerTest.class.getResource("scaled.npz")).toURI()));
        int cases = 0;
        for (Map.Entry<String, NumberArray> entry : golden.entrySet()) {
            int split = entry.getKey().indexOf("-to-");
            if (split > 0) {
                NumberArray source = Objects.requireNonNull(golden.get(entry.getKey().substring(0, split)));
                Shape from = source.shape();
                Shape to = entry.getValue().shape();
                float[] scaled = ImageScaler.scale(values(source), from.size(0), from.size(1), to.size(0), to.size(1));
                assertArrayEquals(values(entry.getValue()), scaled, 1e-4f, entry.getKey());
                cases++;
            }
        }
        assertEquals(8, cases);
    }

    @Test
    void theSameSizeChangesNothingAndAConstantStaysOne() {
        float[] values = new float[35];
        for (int i = 0; i < values.length; i++) {
            values[i] = i * i % 17;
        }
        assertArrayEquals(values, ImageScaler.scale(values, 5, 7, 5, 7));
        Arrays.fill(values, 200);
        for (float value : ImageScaler.scale(values, 5, 7, 13, 3)) {
            assertEquals(200, value, 1e-4f);
        }
    }
}
