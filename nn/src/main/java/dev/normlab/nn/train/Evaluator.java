package dev.normlab.nn.train;

import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Recent;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Runs a model in evaluation mode over data sets. The forward pass is recorded for each batch shape and replayed. An image's logits do not
/// depend on the other images of its batch, so that results are the same for every batch size (except of a model with batch norms that keep
/// no running statistics).
public final class Evaluator implements AutoCloseable {

    private static final String IMAGES = "images";
    private static final String LABELS = "labels";
    private static final String LOGITS = "logits";
    private static final String LOSSES = "losses";
    private static final String PREDICTIONS = "predictions";

    // Programs that are kept, one for each shape of a batch.
    private static final int MOST_SHAPES = 16;

    private final Layer model;
    private final int batchSize;
    private final Device device;
    private final boolean padding;
    private final Recent<Shape, Forward> programs = new Recent<>(MOST_SHAPES, forward -> forward.compiled.close());

    /// The program of the forward pass, and the number of logits of an image.
    private record Forward(CompiledProgram compiled, int classes) {}

    /// Sees the logits of every batch.
    @FunctionalInterface
    public interface BatchObserver {

        /// Hears the logits of a batch.
        ///
        /// @param logits `[n, classes]`, valid during the call
        void accept(Batch batch, Tensor logits);
    }

    /// An evaluator of a model on a device.
    ///
    /// @param batchSize images computed at a time
    public Evaluator(Layer model, int batchSize, Device device) {
        this(model, batchSize, device, device.accelerator() != null && !BatchNormalization.mixesImages(model));
    }

    /// @param padding whether a smaller last batch is filled up with copies that do not count, so that there is one program to compile
    Evaluator(Layer model, int batchSize, Device device, boolean padding) {
        this.model = model;
        this.batchSize = batchSize;
        this.device = device;
        this.padding = padding;
    }

    /// Loss and accuracy over all images of a data set.
    ///
    /// @throws IllegalArgumentException if a label is not below the number of the model's logits
    public Evaluation evaluate(Dataset data) {
        return evaluate(data, (batch, logits) -> {
        });
    }

    /// Loss and accuracy over all images of a data set; the observer sees the batches in the data set's order.
    public Evaluation evaluate(Dataset data, BatchObserver observer) {
        LayerModes modes = LayerModes.evaluating(model);
        int count = 0;
        int correct = 0;
        double loss = 0;
        try (BatchLoader.Epoch batches = BatchLoader.plain(data, batchSize).epoch(0)) {
            while (batches.hasNext()) {
                Batch batch = batches.next();
                Map<String, Tensor> results = replay(padding ? batch.paddedTo(Math.min(batchSize, data.size())) : batch);
                int[] predicted = result(results, PREDICTIONS).toIntArray();
                float[] losses = result(results, LOSSES).toArray();
                for (int i = 0; i < batch.size(); i++) {
                    correct += predicted[i] == batch.labels()[i] ? 1 : 0;
                    loss += losses[i];
                }
                count += batch.size();
                observer.accept(batch, firstRows(result(results, LOGITS), batch.size()));
            }
        } finally {
            modes.restore();
        }
        return new Evaluation(count, correct, loss / count);
    }

    /// The logits of all images of a data set, `[n, classes]`, in its order.
    public Tensor logits(Dataset data) {
        float[][] all = new float[data.size()][];
        int[] next = {0};
        evaluate(data, (batch, logits) -> {
            float[] values = logits.toArray();
            int classes = logits.shape().size(1);
            for (int i = 0; i < batch.size(); i++) {
                all[next[0]++] = Arrays.copyOfRange(values, i * classes, (i + 1) * classes);
            }
        });
        int classes = all[0].length;
        float[] flat = new float[Math.multiplyExact(all.length, classes)];
        for (int i = 0; i < all.length; i++) {
            System.arraycopy(all[i], 0, flat, i * classes, classes);
        }
        return Tensor.of(Shape.of(all.length, classes), flat);
    }

    private Map<String, Tensor> replay(Batch batch) {
        Tensor images = batch.imageTensor();
        Tensor labels = batch.labelTensor();
        Forward forward = programs.get(images.shape(), _ -> record(images, labels));
        Labels.requireBelow(labels, forward.classes);
        return forward.compiled.replay(Map.of(IMAGES, images, LABELS, labels));
    }

    private Forward record(Tensor images, Tensor labels) {
        Recorder recorder = new Recorder(device);
        int classes;
        try (Tape tape = new Tape(recorder, List.of())) {
            Tensor labelFeed = recorder.feed(LABELS, labels.spec());
            Tensor logits = model.forward(tape, recorder.feed(IMAGES, images.spec()));
            classes = logits.shape().size(-1);
            recorder.fetch(LOGITS, logits);
            recorder.fetch(PREDICTIONS, Reductions.argMax(tape, logits, 1, false));
            recorder.fetch(LOSSES, Losses.crossEntropy(tape, logits, labelFeed, CrossEntropyOptions.of(Reduction.NONE)));
        }
        return new Forward(CompiledProgram.of(recorder.program(), device), classes);
    }

    private static Tensor firstRows(Tensor logits, int count) {
        if (logits.shape().size(0) == count) {
            return logits;
        }
        int classes = logits.shape().size(1);
        return Tensor.of(Shape.of(count, classes), Arrays.copyOf(logits.toArray(), count * classes));
    }

    private static Tensor result(Map<String, Tensor> results, String name) {
        return Objects.requireNonNull(results.get(name), name);
    }

    /// Hands the memory of the programs back.
    @Override
    public void close() {
        programs.clear();
    }
}
