package dev.normlab.nn.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class LayerModesTest {

    private static List<Boolean> modes(Layer model) {
        return model.namedLayers().values().stream().map(Layer::isTraining).toList();
    }

    @Test
    void everyLayersModeIsBroughtBackThatOfFrozenAndOfThawedLayersToo() {
        Layer inner = new Sequential(new Dropout(.5f), new BatchNorm2d(2), new ReLU());
        Layer model = new Sequential(new Conv2d(1, 2, 3, 1, 1, true), inner, new Dropout(.1f));
        model.namedLayers().get("1").eval();
        model.namedLayers().get("1.1").train();
        List<Boolean> before = modes(model);
        assertEquals(List.of(true, true, false, false, true, false, true), before);
        LayerModes modes = LayerModes.evaluating(model);
        assertFalse(modes(model).contains(true), "everything is in eval mode");
        modes.restore();
        assertEquals(before, modes(model));
    }

    @Test
    void aModelInEvalModeStaysThere() {
        Layer model = new Sequential(new ReLU(), new Dropout(.1f));
        model.eval();
        LayerModes modes = LayerModes.evaluating(model);
        modes.restore();
        assertTrue(modes(model).stream().noneMatch(training -> training));
    }
}
