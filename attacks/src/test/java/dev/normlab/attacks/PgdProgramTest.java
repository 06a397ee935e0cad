package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.Models;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PgdProgramTest {

    private static final int BATCH = 3;
    private static final Shape IMAGE = Shape.of(3, 32, 32);

    /// The iterates, best points and successes of three steps, the step size changed between them.
    private static float[][] threeSteps(String device, ThreatModel.Ball ball, boolean targeted, int threads, Consumer<PgdProgram> step) {
        Layer model = Models.create("vgg11:width=0.125", 3);
        model.eval();
        float[] clean = new float[BATCH * IMAGE.elements()];
        RandomStream.of(1, "images").fillUniform(clean, 0f, 1f);
        float[][] results = new float[9][];
        try (Device opened = Device.open(device, threads); Victim victim = new Victim(model, opened, IMAGE, BATCH);
                PgdProgram program = new PgdProgram(victim, ball, targeted)) {
            float eps = ball == ThreatModel.Ball.LINF ? 8f / 255 : 1f;
            for (int k = 0; k < 3; k++) {
                if (k == 0) {
                    program.start(clean, clean, new int[] {1, 2, 3}, eps, eps / 2);
                } else {
                    program.stepSize(eps / (2 << k));
                }
                step.accept(program);
                results[3 * k] = program.iterate();
                results[3 * k + 1] = program.best();
                results[3 * k + 2] = program.fooled();
            }
        }
        assertFalse(Arrays.equals(clean, results[0]), "the first step moved nothing");
        return results;
    }

    @ParameterizedTest
    @CsvSource({"cpu,LINF,false", "cpu,L2,true", "scalar,LINF,true", "scalar,L2,false"})
    void aReplayedStepIsBitwiseTheEagerOneWithAnyNumberOfThreads(String device, ThreatModel.Ball ball, boolean targeted) {
        float[][] eager = threeSteps(device, ball, targeted, 2, PgdProgram::stepEagerly);
        for (int threads : new int[] {1, 2, 5}) {
            float[][] replayed = threeSteps(device, ball, targeted, threads, PgdProgram::step);
            for (int i = 0; i < eager.length; i++) {
                assertArrayEquals(eager[i], replayed[i], "result " + i + " with " + threads + " threads");
            }
        }
    }
}
