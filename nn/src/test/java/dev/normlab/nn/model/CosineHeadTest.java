package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CosineHeadTest {

    static Stream<String> names() {
        return Models.names().stream();
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyModelGivesCosinesThatTheLengthOfTheClassWeightsDoesNotChange(String name) {
        Layer model = Models.create(name + ":width=0.0625,classes=5,head=cosine", 3);
        model.eval();
        float[] pixels = new float[2 * 3 * 32 * 32];
        RandomStream.of(1, "pixels").fillUniform(pixels, 0, 1);
        Tensor images = Tensor.of(Shape.of(2, 3, 32, 32), pixels);
        Parameter weight = List.copyOf(model.namedParameters().values()).getLast();
        assertTrue(Set.of("linear.weight", "classifier.weight", "fc.weight", "fc3.weight").contains(weight.name()), weight.name());
        try (Device device = Device.cpu(1); Tape tape = Tape.inference(device)) {
            float[] cosines = model.forward(tape, images).toArray();
            assertEquals(10, cosines.length);
            for (float cosine : cosines) {
                assertTrue(Math.abs(cosine) <= 1 + 1e-6, "output " + cosine);
            }
            float[] values = weight.tensor().toArray();
            for (int i = 0; i < values.length; i++) {
                values[i] *= 4;
            }
            weight.set(values);
            assertArrayEquals(cosines, model.forward(tape, images).toArray());
            LayerSummary head = Summary.of(model, 3, 32, 32, device).layers().getLast();
            assertEquals("CosineLinear", head.kind());
            assertEquals((long) values.length, head.multiplyAdds());
        }
    }

    @Test
    void theSpecificationNamesTheHeadOnlyWhereItIsNotLinear() {
        ModelSpec spec = ModelSpec.parse("resnet18:width=0.5,head=Cosine");
        assertEquals(Head.COSINE, spec.head());
        assertEquals(spec, ModelSpec.parse(spec.toString()));
        assertEquals(new ModelSpec("resnet18", 0.5, 7, Head.COSINE), spec.withClasses(7));
        assertFalse(ModelSpec.parse("vgg11:head=linear").toString().contains("head"));
        String message = assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse("vgg11:head=round")).getMessage();
        assertTrue(String.valueOf(message).contains("valid are head=linear and head=cosine"), message);
    }
}
