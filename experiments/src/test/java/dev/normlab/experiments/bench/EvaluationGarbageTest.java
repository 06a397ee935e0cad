package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.Attack;
import dev.normlab.attacks.Passes;
import dev.normlab.attacks.Points;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.attacks.Victim;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// `bench attack` measures an attack by itself; what an evaluation adds to each of its steps must not depend on the number of images.
class EvaluationGarbageTest {

    private static final int IMAGES = 20_000;
    private static final int PAUSES = 500;

    /// Pauses, as after steps, and measures what is allocated meanwhile.
    private static final class Pausing implements Attack {

        private long bytes;

        @Override
        public String name() {
            return "pausing";
        }

        @Override
        public Passes passes(ThreatModel threat, int classes) {
            return Passes.NONE;
        }

        @Override
        public void run(Victim victim, ThreatModel threat, Points points, long seed) {
            points.pause();
            long before = ProcessMemory.allocatedBytes().orElse(0);
            for (int step = 0; step < PAUSES; step++) {
                points.pause();
            }
            bytes = ProcessMemory.allocatedBytes().orElse(0) - before;
        }
    }

    @Test
    void aPauseAllocatesNothingThatGrowsWithTheNumberOfImages() {
        Assumptions.assumeTrue(ProcessMemory.allocatedBytes().isPresent());
        Layer model = new Sequential(new Flatten(), new Linear(1, 2, true)).initialize(1);
        Dataset data = Dataset.ofUnits("dots", new ImageShape(1, 1, 1), List.of("a", "b"), new float[IMAGES], new int[IMAGES]);
        for (boolean individual : new boolean[] {false, true}) {
            Pausing attack = new Pausing();
            try (Device device = Device.scalar(1)) {
                new RobustnessEvaluation(List.of(attack), new ThreatModel(Ball.LINF, .1f), individual, 100, 1).run(model, data, device,
                        (name, images, result) -> {
                        });
            }
            assertTrue(attack.bytes < 4096L * PAUSES, attack.bytes / PAUSES + " bytes a step");
        }
    }
}
