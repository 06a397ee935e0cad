package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The checks find wrong gradients.
class GradientChecksTest {

    private final Device device = Device.of(new ScalarKernels(), 1, true);

    @AfterEach
    void close() {
        device.close();
    }

    /// `2 x` whose gradient is off by a factor.
    private static GradientChecks.Function doubled(float wrong) {
        return (tape, in) -> {
            Tensor x = in.getFirst();
            Tensor y = Arithmetic.scale(Tape.inference(tape.executor().device()), x, 2f);
            return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> Arithmetic.scale(tape, dOut, 2f * wrong)));
        };
    }

    /// `2 x` whose gradient lacks one element.
    private static Tensor doubledWithHole(Tape tape, List<Tensor> in) {
        Tensor x = in.getFirst();
        float[] ones = Tensor.full(1f, 6, 7).toArray();
        ones[17] = 0;
        Tensor hole = Tensor.of(x.shape(), ones);
        Tensor y = Arithmetic.scale(Tape.inference(tape.executor().device()), x, 2f);
        return tape.onBackward(y, List.of(x),
                (dOut, sink) -> sink.add(x, () -> Arithmetic.multiply(tape, Arithmetic.scale(tape, dOut, 2f), hole)));
    }

    @Test
    void aRightGradientPassesBothChecks() {
        GradientChecks.adjoint(device, 1, 3, doubled(1f), Samples.uniform(1, 6, 7));
        GradientChecks.differences(device, 3, doubled(1f), Samples.uniform(1, 6, 7));
    }

    @Test
    void theAdjointTestFindsARelativeErrorOfOneInTenThousand() {
        Tensor x = Samples.uniform(1, 6, 7);
        assertThrows(AssertionError.class, () -> GradientChecks.adjoint(device, 1, 3, doubled(1.0001f), x));
    }

    @Test
    void theDifferencesFindARelativeErrorOfOneInAThousand() {
        Tensor x = Samples.uniform(1, 6, 7);
        assertThrows(AssertionError.class, () -> GradientChecks.differences(device, 3, doubled(1.001f), x));
    }

    @Test
    void bothChecksFindASingleMissingElementAndTellTheSeed() {
        Tensor x = Samples.uniform(1, 6, 7);
        AssertionError adjoint = assertThrows(AssertionError.class,
                () -> GradientChecks.adjoint(device, 1, 3, GradientChecksTest::doubledWithHole, x));
        AssertionError differences = assertThrows(AssertionError.class,
                () -> GradientChecks.differences(device, 3, GradientChecksTest::doubledWithHole, x));
        assertTrue(adjoint.getMessage().contains("seed 3"), adjoint.getMessage());
        assertTrue(differences.getMessage().contains("seed 3"), differences.getMessage());
    }
}
