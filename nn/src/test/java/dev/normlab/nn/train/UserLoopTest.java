package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Schedule;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A training loop of one's own, without [Trainer] and [TrainingStep], with hooks called by hand.
class UserLoopTest {

    /// Pulls weights towards zero.
    private record Shrink(Layer model, Tensor factor) implements TrainingHook {

        @Override
        public Moment moment() {
            return Moment.AFTER_BACKWARD;
        }

        @Override
        public void apply(Executor executor, Gradients gradients) {
            for (Parameter parameter : model.namedParameters().values()) {
                executor.update(Opcode.ADD_SCALED, null, List.of(gradients.of(parameter.tensor())), parameter.tensor(), factor);
            }
        }
    }

    @Test
    void aLoopOfOnesOwnIsBitwiseTheTrainers() throws IOException {
        Dataset images = TinyTask.data(40, 1);
        Layer byHand = TinyTask.model(3);
        try (Device device = Device.scalar(1)) {
            double loss = loop(byHand, images, device);
            assertTrue(loss < 1.0, "loss " + loss);
            Layer trained = TinyTask.model(3);
            Sgd sgd = new Sgd(trained, SgdOptions.of(0.05, 0.9, 0));
            List<TrainingHook> hooks = List.of(new Shrink(trained, Tensor.scalar(1e-3f)));
            try (TrainingStep step = new TrainingStep(trained, Objective.crossEntropy(), sgd, hooks, device)) {
                new Trainer(step, BatchLoader.shuffled(images, 8, 5, null), null, TrainerOptions.of(6, Schedule.constant())).run();
            }
            TinyTask.assertSameBits(trained, byHand);
            assertEquals(30, sgd.steps());
        }
    }

    private static double loop(Layer model, Dataset images, Device device) {
        Sgd sgd = new Sgd(model, SgdOptions.of(0.05, 0.9, 0));
        TrainingHook decay = new Shrink(model, Tensor.scalar(1e-3f));
        BatchLoader loader = BatchLoader.shuffled(images, 8, 5, null);
        double last = Double.NaN;
        for (int epoch = 0; epoch < 6; epoch++) {
            try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                while (batches.hasNext()) {
                    last = step(model, batches.next(), sgd, decay, device);
                }
            }
        }
        return last;
    }

    private static double step(Layer model, Batch batch, Sgd sgd, TrainingHook decay, Device device) {
        try (Tape tape = Tape.eager(device, model.trainable())) {
            Tensor loss = Losses.crossEntropy(tape, model.forward(tape, batch.imageTensor()), batch.labelTensor());
            Gradients gradients = tape.backward(loss);
            decay.apply(tape.executor(), gradients);
            sgd.step(tape.executor(), gradients);
            return loss.item();
        }
    }
}
