package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// Lets the JVM's compiler begin with the kernels of a training while the command still reads data and draws weights: on a thread of its
/// own, a step of a narrow form of the model, at most half as wide.
///
/// Until a kernel is compiled, its vectors are objects and it is many times slower; most of a first step is that time. What the narrow step
/// computes is thrown away and touches nothing, so that no result depends on it. Only the launcher asks for it (by the property
/// [#PROPERTY]), since inside another program, or in tests, the time would be wasted.
public final class WarmUp {

    /// The system property that allows it.
    public static final String PROPERTY = "normlab.warmUp";

    private static final double WIDTH = 0.5;
    private static final String KERNELS = "vector";
    /// Of larger models not even the narrow form is worth its memory.
    private static final long MOST_WEIGHTS = 8_000_000;
    private static final int IMAGES = 1;
    private static final Shape IMAGE = Shape.of(IMAGES, 3, 32, 32);

    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    private WarmUp() {}

    /// Begins, once in a process, if the device computes with several threads of the kernels that are worth it; empty where nothing was
    /// begun.
    ///
    /// @param model  what will be trained, as the user named it
    /// @param device on which it will be
    public static Optional<Thread> begin(String model, Device device) {
        boolean useful = device.computes().equals(KERNELS) && device.workers().threads() > 1;
        if (!Boolean.getBoolean(PROPERTY) || !useful || BEGUN.getAndSet(true)) {
            return Optional.empty();
        }
        Thread thread = new Thread(() -> step(model, device.convolutionMode()), "warm-up");
        thread.setUncaughtExceptionHandler((_, _) -> {
        }); // a model that does not exist, or too little memory: the training itself says so
        thread.setDaemon(true);
        thread.start();
        return Optional.of(thread);
    }

    static void step(String model, ConvolutionMode mode) {
        ModelSpec spec = ModelSpec.parse(model);
        ModelSpec narrow = new ModelSpec(spec.name(), Math.min(spec.width(), WIDTH), spec.classes(), spec.head(), spec.options());
        Layer network = Models.create(narrow, 0);
        if (network.namedParameters().values().stream().mapToLong(each -> each.tensor().shape().elements()).sum() > MOST_WEIGHTS) {
            return;
        }
        Sgd sgd = new Sgd(network, SgdOptions.of(0.01, 0.9, 5e-4));
        try (Device device = Device.cpu(1, mode);
                TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), device)) {
            step.run(Tensor.full(0.5f, IMAGE.toArray()), Tensor.ofInts(Shape.of(IMAGES), new int[IMAGES]));
        }
    }
}
