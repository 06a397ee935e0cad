package dev.normlab.attacks;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The model under attack, in eval mode, on a device, with a fixed batch size.
///
/// Batches are always full: what is missing is filled with copies that nobody looks at, which changes no other image's result bit, since in
/// eval mode images do not see each other. For few images there are smaller forms of a victim ([#forImages]). Closing brings the model's
/// previous mode back.
public final class Victim implements AutoCloseable {

    private static final String LOGITS = "logits";
    /// Into which a batch size is divided.
    private static final int PARTS = 8;

    private final Layer model;
    private final Device device;
    private final Shape batch;
    private final LayerModes modes;
    private final CompiledProgram forward;
    private final int classes;
    /// This victim for smaller batches, by batch size.
    private final Map<Integer, Victim> smaller = new HashMap<>();
    /// The victim whose smaller form this is; itself for others.
    private final Victim whole;

    /// Puts a model into eval mode for attacks; if that ends with an exception, its mode is brought back.
    ///
    /// @param image     the shape of one image, `[c, h, w]`
    /// @param batchSize images a step
    /// @throws ShapeException           if the images do not fit the model, or it gives no logits of at least two classes
    /// @throws IllegalArgumentException if images see each other in eval mode: a batch norm keeps no running statistics
    public Victim(Layer model, Device device, Shape image, int batchSize) {
        if (BatchNormalization.mixesImages(model)) {
            throw new IllegalArgumentException(
                    "an attack needs a model that judges every image by itself, but a batch norm of this one keeps no "
                            + "running statistics and takes those of the batch, whatever is in it; keep them (runningStatistics of its options)");
        }
        this.model = model;
        this.device = device;
        this.batch = Shape.of(batchSize, image.size(0), image.size(1), image.size(2));
        this.modes = LayerModes.evaluating(model);
        this.whole = this;
        boolean recorded = false;
        try {
            StepProgram program = program(model, device, batch);
            this.classes = classes(program);
            this.forward = CompiledProgram.of(program, device);
            recorded = true;
        } finally {
            if (!recorded) {
                modes.restore();
            }
        }
    }

    private Victim(Victim whole, int batchSize) {
        this.model = whole.model;
        this.device = whole.device;
        this.batch = whole.batch.with(0, batchSize);
        this.modes = whole.modes;
        this.whole = whole;
        this.classes = whole.classes;
        this.forward = CompiledProgram.of(program(model, device, batch), device);
    }

    private static int classes(StepProgram program) {
        return program.values().get(Objects.requireNonNull(program.fetches().get(LOGITS), LOGITS)).spec().shape().size(1);
    }

    /// This victim, or a smaller form of it that does for so many images: with a batch size of some eighths of the whole one, or of less
    /// than an eighth, halved again and again. It lives and closes with the whole one. On an accelerator it is always the whole one: there
    /// a program for another size would have to be compiled, and that costs more than some images that nobody looks at.
    ///
    /// @param count at least 1
    /// @throws IllegalArgumentException if there are more images than a batch takes
    public Victim forImages(int count) {
        int size = size(whole.batchSize(), count);
        if (size == whole.batchSize() || device.accelerator() != null) {
            return whole;
        }
        return whole.smaller.computeIfAbsent(size, some -> new Victim(whole, some));
    }

    private static int size(int largest, int count) {
        if (count < 1 || count > largest) {
            throw new IllegalArgumentException("a batch takes 1 to " + largest + " images, but got " + count);
        }
        int unit = Math.ceilDiv(largest, PARTS);
        while (unit > count) {
            unit = Math.ceilDiv(unit, 2);
        }
        return Math.min(Math.ceilDiv(count, unit) * unit, largest);
    }

    /// The program that a model is in the mode in which it stands.
    ///
    /// @param batch `[n, c, h, w]`
    /// @throws ShapeException if the images do not fit the model, or it gives no logits of at least two classes
    static StepProgram program(Layer model, Device device, Shape batch) {
        Recorder recorder = new Recorder(device);
        try (Tape tape = new Tape(recorder, List.of())) {
            Tensor logits = model.forward(tape, recorder.feed("images", TensorSpec.floats(batch)));
            requireClasses(logits.shape());
            recorder.fetch(LOGITS, logits);
        }
        return recorder.program();
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

    /// The number of logits of an image.
    public int classes() {
        return classes;
    }

    /// The logits of a full batch, `[batch size, classes]` row-major, in a new array.
    ///
    /// @param images `[batch size, c, h, w]`, row-major
    public float[] logits(float[] images) {
        Map<String, Tensor> results = forward.replay(Map.of("images", Tensor.of(Storage.ofFloats(batch, Layout.PLAIN, images))));
        return Objects.requireNonNull(results.get(LOGITS), LOGITS).toArray();
    }

    /// The logits of any number of images, `[count, classes]` row-major.
    ///
    /// @param images `[count, c, h, w]`, row-major; more images may follow
    float[] logits(float[] images, int count) {
        float[] all = new float[count * classes];
        for (int first = 0; first < count; first += batchSize()) {
            int n = Math.min(batchSize(), count - first);
            Victim part = forImages(n);
            float[] full = new float[part.batch.elements()];
            System.arraycopy(images, first * imageLength(), full, 0, n * imageLength());
            System.arraycopy(part.logits(full), 0, all, first * classes, n * classes);
        }
        return all;
    }

    /// Seconds that a pass forward and backward takes, as attacks need one for every step: the median of some.
    ///
    /// @param images      `[batch size, c, h, w]`, row-major
    /// @param labels      true classes, `[batch size]`
    /// @param repetitions at least 1
    public double passSeconds(float[] images, int[] labels, int repetitions) {
        try (LossProgram program = new LossProgram(this, AttackLoss.CROSS_ENTROPY, 1)) {
            System.arraycopy(images, 0, program.images(), 0, images.length);
            program.classes(labels, labels);
            program.evaluate();
            double[] seconds = new double[repetitions];
            for (int i = 0; i < repetitions; i++) {
                long start = System.nanoTime();
                program.evaluate();
                seconds[i] = (System.nanoTime() - start) / 1e9;
            }
            Arrays.sort(seconds);
            return seconds[repetitions / 2];
        }
    }

    /// The class with the largest logit (the lowest on ties) of every image of a full batch.
    ///
    /// @param images `[batch size, c, h, w]`, row-major
    public int[] predict(float[] images) {
        float[] logits = logits(images);
        int[] predictions = new int[batchSize()];
        Arrays.setAll(predictions, i -> argMax(logits, i, classes));
        return predictions;
    }

    /// The class of image `i` among logits `[n, classes]`: the largest logit, the lowest class on ties. NaN counts as the smallest of all.
    static int argMax(float[] logits, int i, int classes) {
        int best = 0;
        for (int k = 1; k < classes; k++) {
            float logit = logits[i * classes + k];
            if (logit > logits[i * classes + best] || Float.isNaN(logits[i * classes + best]) && !Float.isNaN(logit)) {
                best = k;
            }
        }
        return best;
    }

    /// @throws ShapeException unless there are at least two logits an image
    static void requireClasses(Shape logits) {
        if (logits.rank() != 2 || logits.size(1) < 2) {
            throw new ShapeException("an attack needs a model that gives logits [n, k] with at least two classes, but it gives " + logits);
        }
    }

    /// Brings the modes of all layers back; of a smaller form, nothing.
    @Override
    public void close() {
        if (whole == this) {
            smaller.values().forEach(part -> part.forward.close());
            forward.close();
            modes.restore();
        }
    }
}
