package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.Apgd;
import dev.normlab.attacks.ApgdOptions;
import dev.normlab.attacks.Attack;
import dev.normlab.attacks.Fab;
import dev.normlab.attacks.FabOptions;
import dev.normlab.attacks.Pgd;
import dev.normlab.attacks.PgdOptions;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.SyntheticDataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Attacks that work on gradients from the GPU find what they find on the CPU.
class TornadoAttackTest {

    private static final DataSplits DATA = SyntheticDataset.generate(new SyntheticDataset.Config(32, 400, 24, 0, 0.5));

    /// A network that the CPU has trained a little.
    private static Layer network() {
        Layer network = Models.create("lenet", 1);
        try (Device cpu = Device.cpu(2);
                TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), new Sgd(network, SgdOptions.of(0.02, 0.9, 0)),
                        List.of(), cpu)) {
            for (int epoch = 0; epoch < 6; epoch++) {
                try (BatchLoader.Epoch batches = BatchLoader.shuffled(DATA.train(), 40, 1, null).epoch(epoch)) {
                    while (batches.hasNext()) {
                        Batch batch = batches.next();
                        step.run(batch.imageTensor(), batch.labelTensor());
                    }
                }
            }
        }
        return network;
    }

    private static void assertAlike(Attack attack, ThreatModel threat) {
        Layer network = network();
        Dataset images = DATA.test();
        RobustnessResult expected;
        try (Device cpu = Device.cpu(2)) {
            expected = evaluation(attack, threat).run(network, images, cpu, (_, _, _) -> {
            });
        }
        try (Device gpu = Gpu.open()) {
            RobustnessResult actual = evaluation(attack, threat).run(network, images, gpu, (_, _, _) -> {
            });
            assertEquals(0, actual.attacks().getFirst().zeroGradients(), "gradients have arrived");
            int fooled = expected.cleanCorrect() - expected.robustCorrect();
            assertTrue(fooled >= 4, "an attack that fools " + fooled + " images shows little");
            int different = 0;
            for (int i = 0; i < images.size(); i++) {
                different += expected.fooledBy()[i] != actual.fooledBy()[i] ? 1 : 0;
            }
            assertTrue(different <= 1, different + " of " + images.size() + " flags differ, " + fooled + " are fooled on the CPU");
        }
    }

    /// In two batches, so that a gradient that stays behind shows.
    private static RobustnessEvaluation evaluation(Attack attack, ThreatModel threat) {
        return new RobustnessEvaluation(List.of(attack), threat, false, 8, 3);
    }

    @Test
    void autoPgd() {
        assertAlike(new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withIterations(10)), new ThreatModel(Ball.LINF, 16f / 255));
    }

    @Tag("slow")
    @Test
    void autoPgdInTheOtherBalls() {
        assertAlike(new Apgd(ApgdOptions.of(ApgdOptions.Variant.DLR).withIterations(10)), new ThreatModel(Ball.L2, 2f));
        assertAlike(new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withIterations(25).withLargeFirst(true)),
                new ThreatModel(Ball.L1, 40f));
    }

    @Tag("slow")
    @Test
    void pgd() {
        assertAlike(new Pgd(PgdOptions.DEFAULT.withIterations(10)), new ThreatModel(Ball.L2, 2f));
        assertAlike(new Pgd(PgdOptions.DEFAULT.withIterations(10)), new ThreatModel(Ball.L1, 40f));
    }

    @Tag("slow")
    @Test
    void fab() {
        assertAlike(new Fab(FabOptions.UNTARGETED.withIterations(10)), new ThreatModel(Ball.L2, 2f));
    }
}
