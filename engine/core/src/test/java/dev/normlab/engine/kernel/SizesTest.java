package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

class SizesTest {

    @Test
    void anAxisSplitsAShapeIntoOuterAndInner() {
        Shape shape = Shape.of(2, 3, 4, 5);
        assertEquals(new AxisSizes(1, 2, 60), AxisSizes.of(shape, 0));
        assertEquals(new AxisSizes(2, 3, 20), AxisSizes.of(shape, 1));
        assertEquals(new AxisSizes(24, 5, 1), AxisSizes.of(shape, 3));
    }

    @Test
    void everyPaddingModeFindsItsSource() {
        int[] zero = {-1, -1, 0, 1, 2, -1};
        int[] circular = {1, 2, 0, 1, 2, 0};
        int[] reflect = {2, 1, 0, 1, 2, 1};
        int[] replicate = {0, 0, 0, 1, 2, 2};
        for (int position = -2; position < 4; position++) {
            assertEquals(zero[position + 2], PadMode.ZERO.source(position, 3));
            assertEquals(circular[position + 2], PadMode.CIRCULAR.source(position, 3));
            assertEquals(reflect[position + 2], PadMode.REFLECT.source(position, 3));
            assertEquals(replicate[position + 2], PadMode.REPLICATE.source(position, 3));
        }
    }

    @Test
    void slicesCountOutputOrGlobalInputChannels() {
        assertEquals(6, new SliceNormSizes(6, 2, 3, 3, 3, true, List.of()).channels());
        assertEquals(8, new SliceNormSizes(6, 2, 3, 3, 4, false, List.of()).channels());
    }
}
