package dev.normlab.nn.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.testkit.GoldenCase;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class OptimizerTest {

    /// A layer that is nothing but a parameter.
    private static final class Single extends Layer {

        private final Parameter p;

        Single(Shape shape) {
            p = parameter("p", Initialization.constant(0f), shape.toArray());
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return x;
        }
    }

    @TestFactory
    Stream<DynamicTest> everyStepIsPyTorchs() {
        List<GoldenCase> cases = new ArrayList<>(GoldenCase.all("golden"));
        cases.addAll(GoldenCase.all("golden-extra"));
        List<GoldenCase> ours = cases.stream().filter(golden -> List.of("sgd", "adam", "adamw").contains(golden.operation())).toList();
        assertEquals(8, ours.size(), "golden cases of optimisers");
        return ours.stream().map(golden -> dynamicTest(golden.name(), () -> check(golden)));
    }

    private static void check(GoldenCase golden) {
        Tensor first = golden.inputs().getFirst().value();
        Single model = new Single(first.shape());
        model.p.set(first.toArray());
        Optimizer optimizer = optimizer(golden, model);
        try (Device device = Device.scalar(1); Executor executor = new EagerExecutor(device)) {
            for (int k = 1; k < golden.inputs().size(); k++) {
                Tensor gradient = golden.inputs().get(k).value();
                optimizer.step(executor, new Gradients(Map.of(model.p.tensor(), gradient)));
                golden.outputs().get(k - 1).check(golden + " after step " + k, model.p.tensor());
            }
        }
        assertEquals(golden.inputs().size() - 1, optimizer.steps());
    }

    private static Optimizer optimizer(GoldenCase golden, Layer model) {
        double decay = golden.has("weight_decay") ? exact(golden, "weight_decay") : 0;
        if (golden.operation().equals("sgd")) {
            return new Sgd(model, new SgdOptions(exact(golden, "lr"), exact(golden, "momentum"), exact(golden, "dampening"), decay,
                    golden.flag("nesterov")));
        }
        return new Adam(model,
                new AdamOptions(exact(golden, "lr"), exact(golden, "beta1"), exact(golden, "beta2"), exact(golden, "eps"), decay,
                        golden.operation().equals("adamw")));
    }

    private static double exact(GoldenCase golden, String attribute) {
        return Double.parseDouble(Float.toString(golden.real(attribute)));
    }

    @Test
    void aFrozenParameterIsNotChanged() {
        Single model = new Single(Shape.of(2));
        model.p.set(1f, 2f);
        model.p.frozen(true);
        try (Device device = Device.scalar(1); Executor executor = new EagerExecutor(device)) {
            new Sgd(model, SgdOptions.of(1, 0, 0)).step(executor, new Gradients(Map.of(model.p.tensor(), Tensor.full(1f, 2))));
        }
        assertArrayEquals(new float[] {1f, 2f}, model.p.tensor().toArray());
    }

    @Test
    void restoredStateContinuesBitwise() {
        try (Device device = Device.scalar(1); Executor executor = new EagerExecutor(device)) {
            Single through = new Single(Shape.of(3));
            through.p.set(1f, -2f, 3f);
            Optimizer optimizer = new Adam(through, AdamOptions.adamW(0.1));
            optimizer.step(executor, gradient(through, 0.5f));
            optimizer.step(executor, gradient(through, -0.25f));
            Single resumed = new Single(Shape.of(3));
            resumed.p.set(through.p.tensor().toArray());
            Optimizer second = new Adam(resumed, AdamOptions.adamW(0.1));
            optimizer.state().forEach((name, tensor) -> second.state().get(name).set(tensor.toArray()));
            second.steps(optimizer.steps());
            optimizer.step(executor, gradient(through, 2f));
            second.step(executor, gradient(resumed, 2f));
            assertArrayEquals(through.p.tensor().toArray(), resumed.p.tensor().toArray());
        }
    }

    private static Gradients gradient(Single model, float value) {
        return new Gradients(Map.of(model.p.tensor(), Tensor.full(value, 3)));
    }

    @Test
    void absurdOptionsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> SgdOptions.of(-0.1, 0.9, 0));
        assertThrows(IllegalArgumentException.class, () -> SgdOptions.of(Double.NaN, 0.9, 0));
        assertThrows(IllegalArgumentException.class, () -> SgdOptions.of(1e300, 0.9, 0));
        assertThrows(IllegalArgumentException.class, () -> new SgdOptions(0.1, 0, 0, 0, true));
        assertThrows(IllegalArgumentException.class, () -> new AdamOptions(0.1, 1, 0.9, 1e-8, 0, false));
    }

    @Test
    void theFirstStepOfAParameterThatWasFrozenAtFirstIsItsOwn() {
        // PyTorch's velocity begins with the first gradient, undampened, whenever that comes
        Single model = new Single(Shape.of(1));
        model.p.set(0f);
        Sgd sgd = new Sgd(model, new SgdOptions(1, 0.5, 0.75, 0, false));
        try (Device device = Device.scalar(1); Executor executor = new EagerExecutor(device)) {
            Gradients gradients = new Gradients(Map.of(model.p.tensor(), Tensor.full(1f, 1)));
            model.p.frozen(true);
            sgd.step(executor, gradients);
            assertEquals(0f, model.p.tensor().item());
            model.p.frozen(false);
            sgd.step(executor, gradients);
            assertEquals(-1f, model.p.tensor().item(), "v = g");
            sgd.step(executor, gradients);
            assertEquals(-1.75f, model.p.tensor().item(), "v = 0.5 v + 0.25 g");
            Sgd resumed = new Sgd(model, new SgdOptions(1, 0.5, 0.75, 0, false));
            resumed.steps(sgd.steps());
            resumed.state().get("p.velocity").set(sgd.state().get("p.velocity").toArray());
            resumed.step(executor, gradients);
            assertEquals(-2.375f, model.p.tensor().item(), "v = 0.5 v + 0.25 g after a resumption, too");
        }
    }
}
