package dev.normlab.attacks;

import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.Layer;
import java.util.List;
import java.util.Map;

/// The model under attack, in eval mode, on a device, with a fixed batch size.
///
/// Batches are always full: what is missing in the last one is filled with copies that nobody looks at, which changes no other image's result bit, since in
/// eval mode images do not see each other. Closing brings the model's previous mode back.
public final class Victim implements AutoCloseable {

    private final Layer model;
    private final Device device;
    private final Shape batch;
    private final boolean wasTraining;
    private final Interpreter forward;

    /// Puts a model into eval mode for attacks.
    ///
    /// @param image     the shape of one image, `[c, h, w]`
    /// @param batchSize images a step
    public Victim(Layer model, Device device, Shape image, int batchSize) {
        this.model = model;
        this.device = device;
        this.batch = Shape.of(batchSize, image.size(0), image.size(1), image.size(2));
        this.wasTraining = model.isTraining();
        model.eval();
        this.forward = recordForward();
    }

    private Interpreter recordForward() {
        Recorder recorder = new Recorder(device);
        try (Tape tape = new Tape(recorder, List.of())) {
            Tensor logits = model.forward(tape, recorder.feed("images", TensorSpec.floats(batch)));
            recorder.fetch("logits", logits);
            recorder.fetch("predictions", Reductions.argMax(tape, logits, 1, false));
        }
        return new Interpreter(recorder.program(), device);
    }

    /// The model, in eval mode.
    public Layer model() {
        return model;
    }

    /// Where it runs.
    public Device device() {
        return device;
    }

    /// `[batch size, c, h, w]`.
    public Shape batch() {
        return batch;
    }

    /// Images a step.
    public int batchSize() {
        return batch.size(0);
    }

    /// Values of one image.
    public int imageLength() {
        return batch.elements() / batch.size(0);
    }

    /// The class with the largest logit (the lowest on ties) of every image of a full batch.
    ///
    /// @param images `[batch size, c, h, w]`, row-major
    public int[] predict(float[] images) {
        Map<String, Tensor> results = forward.replay(Map.of("images", Tensor.of(batch, images)));
        Tensor predictions = results.get("predictions");
        if (predictions == null) {
            throw new IllegalStateException("the forward program lost its predictions");
        }
        return predictions.toIntArray();
    }

    /// Brings the model's previous mode back.
    @Override
    public void close() {
        forward.close();
        if (wasTraining) {
            model.train();
        }
    }
}
