package dev.normlab.experiments.selftest;

import dev.normlab.attacks.Apgd;
import dev.normlab.attacks.ApgdOptions;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.train.Evaluator;
import java.util.ArrayList;
import java.util.List;

/// Auto-PGD of a network that the CPU has trained a little, on 64 images on the device and on the CPU; labels are the network's own
/// decisions. The images that fool it, judged by the CPU, are the same but for at most two, whose decisions rounding can turn.
final class AttackedAlike implements DeviceCheck {

    private static final int IMAGES = 64;
    private static final int MOST_DIFFERENT = 2;
    private static final int LEAST_FOOLED = 10;
    private static final int STEPS = 5;
    private static final int WHOLE_STEPS = 100;
    private static final int TRAINING_STEPS = 40;
    private static final float EPS = 4f / 255;

    private final Dataset train;
    private final Dataset data;
    private final int threads;

    /// @param train   images to train on
    /// @param data    images to attack
    /// @param threads of the CPU
    AttackedAlike(Dataset train, Dataset data, int threads) {
        this.train = train;
        this.data = data;
        this.threads = threads;
    }

    @Override
    public String name() {
        return "apgd";
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        int steps = whole ? WHOLE_STEPS : STEPS;
        int[] expected;
        Layer network;
        Dataset own;
        try (Device cpu = Device.cpu(threads)) {
            network = ShortTraining.train(train, cpu, TRAINING_STEPS, (_, _) -> {
            }).network();
            own = withPredictions(network, cpu);
            expected = attack(network, own, cpu, steps).fooledBy();
        }
        progress.done(1, 2);
        RobustnessResult found = attack(network, own, device, steps);
        progress.done(2, 2);
        int[] judged = judgedByTheCpu(network, own, found);
        int different = 0;
        int fooled = 0;
        for (int i = 0; i < IMAGES; i++) {
            boolean fools = judged[i] != own.label(i);
            different += expected[i] >= 0 != fools ? 1 : 0;
            fooled += expected[i] >= 0 ? 1 : 0;
        }
        String remark = "fools " + fooled + " of " + IMAGES + " images on the CPU, " + different + " flags differ";
        List<String> failures = new ArrayList<>();
        if (different > MOST_DIFFERENT) {
            failures.add(remark + "; at most " + MOST_DIFFERENT + " may");
        }
        if (fooled < LEAST_FOOLED || fooled > IMAGES - LEAST_FOOLED) {
            failures.add(remark + ": too few, or too many, to show anything");
        }
        return new Outcome(IMAGES, failures, remark);
    }

    /// The classes that the CPU gives to the images which the device has found.
    private int[] judgedByTheCpu(Layer network, Dataset own, RobustnessResult found) {
        Dataset moved = Dataset.ofUnits("adversarial", own.shape(), own.classNames(), found.adversarial().clone(), found.labels());
        try (Device cpu = Device.cpu(threads)) {
            return decisions(network, moved, cpu);
        }
    }

    private Dataset withPredictions(Layer network, Device cpu) {
        Dataset some = data.first(IMAGES);
        float[] images = new float[IMAGES * some.shape().values()];
        for (int i = 0; i < IMAGES; i++) {
            some.image(i, images, i * some.shape().values());
        }
        return Dataset.ofUnits("own decisions", some.shape(), some.classNames(), images, decisions(network, some, cpu));
    }

    private static int[] decisions(Layer network, Dataset images, Device cpu) {
        try (Evaluator evaluator = new Evaluator(network, IMAGES, cpu);
                Tape tape = new Tape(new EagerExecutor(cpu), List.of())) {
            return Reductions.argMax(tape, evaluator.logits(images), 1, false).toIntArray();
        }
    }

    private static RobustnessResult attack(Layer network, Dataset images, Device device, int steps) {
        return evaluation(steps).run(network, images, device, (_, _, _) -> {
        });
    }

    private static RobustnessEvaluation evaluation(int steps) {
        Apgd attack = new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE).withIterations(steps).withRestarts(1));
        return new RobustnessEvaluation(List.of(attack), new ThreatModel(ThreatModel.Ball.LINF, EPS), false, IMAGES, 4);
    }
}
