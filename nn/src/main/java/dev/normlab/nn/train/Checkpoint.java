package dev.normlab.nn.train;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.StateDict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Everything that a run needs to go on bitwise as if it had not been interrupted, in one safetensors file that is written atomically:
/// weights and buffers (`model/..`), counters of the layers' random numbers (`random/..`), the state of the optimiser (`optimizer/..`) and
/// of every hook (`hook/0/..`), and as strings where the run stands. The order and variation of the images need no state, for they are
/// functions of the seed and the epoch; the learning rate is a function of the epoch.
///
/// @param source   the file, for messages
/// @param tensors  by name, with their prefixes
/// @param position where the run stands
/// @param metadata strings that the run gave
public record Checkpoint(String source, Map<String, NumberArray> tensors, Position position, Map<String, String> metadata) {

    private static final String MODEL = "model/";
    private static final String OPTIMIZER = "optimizer/";
    private static final String RANDOM = "random/";
    private static final String HOOK = "hook/";
    private static final String POSITION = "normlab.";
    private static final String FORMAT = "1";

    /// Where a run stands.
    ///
    /// @param epoch            the epoch to go on with, from 0
    /// @param batch            the batch of that epoch to go on with, from 0
    /// @param step             the number of the next step, from 0
    /// @param optimizerSteps   how many updates were made
    /// @param baseLearningRate from which the schedule starts
    /// @param batchSize        images of a batch, which must stay the same
    /// @param images           training images, which must stay the same
    /// @param totals           of the epoch so far
    public record Position(int epoch, int batch, long step, long optimizerSteps, double baseLearningRate, int batchSize, int images,
            EpochTotals totals) {}

    /// Writes a checkpoint, replacing an older one in one step.
    ///
    /// @param step     gives the model, the optimiser and the hooks
    /// @param metadata strings to keep; their keys do not begin with `normlab.`
    /// @throws IOException if the file cannot be written; an older one is left as it was
    public static void write(Path file, TrainingStep step, Position position, Map<String, String> metadata) throws IOException {
        Map<String, NumberArray> tensors = new LinkedHashMap<>();
        tensorsOf(step).forEach((name, tensor) -> tensors.put(name, arrayOf(tensor)));
        Map<String, String> strings = new LinkedHashMap<>(metadata);
        strings.put(POSITION + "checkpoint", FORMAT);
        strings.put(POSITION + "epoch", Integer.toString(position.epoch));
        strings.put(POSITION + "batch", Integer.toString(position.batch));
        strings.put(POSITION + "step", Long.toString(position.step));
        strings.put(POSITION + "optimizer_steps", Long.toString(position.optimizerSteps));
        strings.put(POSITION + "base_learning_rate", Double.toString(position.baseLearningRate));
        strings.put(POSITION + "batch_size", Integer.toString(position.batchSize));
        strings.put(POSITION + "images", Integer.toString(position.images));
        strings.put(POSITION + "loss_sum", Double.toString(position.totals.lossSum()));
        strings.put(POSITION + "correct", Long.toString(position.totals.correct()));
        strings.put(POSITION + "count", Long.toString(position.totals.count()));
        strings.put(POSITION + "robust_correct", Long.toString(position.totals.robustCorrect()));
        strings.put(POSITION + "robust_count", Long.toString(position.totals.robustCount()));
        Safetensors.write(file, tensors, strings);
    }

    /// Reads a checkpoint.
    ///
    /// @throws FormatException if the file is not a checkpoint
    /// @throws IOException     if it cannot be read
    public static Checkpoint read(Path file) throws IOException {
        Safetensors.Contents contents = Safetensors.read(file);
        Fields fields = new Fields(contents);
        if (!fields.text("checkpoint").equals(FORMAT)) {
            throw new FormatException(contents.source(),
                    "this checkpoint has the format " + fields.text("checkpoint") + ", but this program reads "
                            + FORMAT);
        }
        EpochTotals totals = new EpochTotals(fields.real("loss_sum"), fields.whole("correct"), fields.whole("count"),
                fields.wholeOrZero("robust_correct"), fields.wholeOrZero("robust_count"));
        Position position = new Position(fields.number("epoch"), fields.number("batch"), fields.whole("step"),
                fields.whole("optimizer_steps"),
                fields.real("base_learning_rate"), fields.number("batch_size"), fields.number("images"), totals);
        Map<String, String> metadata = new LinkedHashMap<>(contents.metadata());
        metadata.keySet().removeIf(key -> key.startsWith(POSITION));
        return new Checkpoint(contents.source(), contents.tensors(), position, metadata);
    }

    /// Puts weights and buffers into a model.
    ///
    /// @throws dev.normlab.nn.layer.StateDictException if they do not fit the model, which is unchanged then
    public void restore(Layer model) {
        Map<String, NumberArray> values = new LinkedHashMap<>();
        tensors.forEach((name, array) -> {
            if (name.startsWith(MODEL)) {
                values.put(name.substring(MODEL.length()), array);
            }
        });
        StateDict.load(model, values, source);
    }

    /// Puts the state of the model, the optimiser and the hooks into a step, and its number.
    ///
    /// @throws dev.normlab.nn.layer.StateDictException if the weights do not fit the model
    /// @throws FormatException                          if the optimiser or the hooks are others than those of the checkpoint
    public void restore(TrainingStep step) throws FormatException {
        List<String> problems = new ArrayList<>();
        Map<String, Tensor> wanted = tensorsOf(step);
        optionalOf(step).stream().filter(name -> !tensors.containsKey(name)).forEach(wanted::remove);
        wanted.forEach((name, tensor) -> {
            if (!name.startsWith(MODEL) && !fits(tensors.get(name), tensor)) {
                problems.add(name);
            }
        });
        tensors.keySet().stream().filter(name -> !name.startsWith(MODEL) && !wanted.containsKey(name)).forEach(problems::add);
        if (!problems.isEmpty()) {
            throw new FormatException(source,
                    "the checkpoint is of a run with another optimiser or method: " + problems.getFirst() + " and "
                            + (problems.size() - 1)
                            + " others are missing, not expected or of another shape. Resume with the run's own options");
        }
        restore(step.model());
        wanted.forEach((name, tensor) -> {
            switch (tensors.get(name)) {
                case NumberArray.Floats floats when !name.startsWith(MODEL) -> tensor.set(floats.values());
                case NumberArray.Ints ints -> tensor.setInts(ints.values());
                case null, default -> {
                }
            }
        });
        step.optimizer().steps(position.optimizerSteps);
        step.step(position.step);
    }

    private static NumberArray arrayOf(Tensor tensor) {
        return tensor.dtype() == DType.FLOAT32
                ? new NumberArray.Floats(tensor.shape(), tensor.toArray())
                : new NumberArray.Ints(tensor.shape(), tensor.toIntArray());
    }

    private static boolean fits(@Nullable NumberArray array, Tensor tensor) {
        if (array == null || !array.shape().equals(tensor.shape())) {
            return false;
        }
        return tensor.dtype() == DType.FLOAT32 ? array instanceof NumberArray.Floats : array instanceof NumberArray.Ints;
    }

    private static Map<String, Tensor> tensorsOf(TrainingStep step) {
        Map<String, Tensor> all = new LinkedHashMap<>();
        step.model().stateDict().forEach((name, tensor) -> all.put(MODEL + name, tensor));
        step.model().namedRandomStates().forEach((name, tensor) -> all.put(RANDOM + name, tensor));
        step.optimizer().state().forEach((name, tensor) -> all.put(OPTIMIZER + name, tensor));
        for (int i = 0; i < step.hooks().size(); i++) {
            String prefix = HOOK + i + "/";
            step.hooks().get(i).state().forEach((name, tensor) -> all.put(prefix + name, tensor));
        }
        return all;
    }

    private static Set<String> optionalOf(TrainingStep step) {
        Set<String> all = new LinkedHashSet<>();
        for (int i = 0; i < step.hooks().size(); i++) {
            String prefix = HOOK + i + "/";
            step.hooks().get(i).optionalState().forEach(name -> all.add(prefix + name));
        }
        return all;
    }

    /// The strings that say where a run stands.
    private record Fields(Safetensors.Contents contents) {

        String text(String key) throws FormatException {
            String value = contents.metadata().get(POSITION + key);
            if (value == null) {
                throw new FormatException(contents.source(), "this is no checkpoint of a training run: it lacks the entry " + POSITION + key
                        + ". Weights alone are loaded as initial weights");
            }
            return value;
        }

        long whole(String key) throws FormatException {
            try {
                long value = Long.parseLong(text(key));
                if (value >= 0 && value <= Long.MAX_VALUE >> 1) {
                    return value;
                }
            } catch (NumberFormatException e) {
                throw broken(key, e);
            }
            throw broken(key, null);
        }

        /// An entry that checkpoints of earlier versions lack.
        long wholeOrZero(String key) throws FormatException {
            return contents.metadata().containsKey(POSITION + key) ? whole(key) : 0;
        }

        int number(String key) throws FormatException {
            long value = whole(key);
            if (value > Integer.MAX_VALUE) {
                throw broken(key, null);
            }
            return (int) value;
        }

        double real(String key) throws FormatException {
            try {
                return Double.parseDouble(text(key));
            } catch (NumberFormatException e) {
                throw broken(key, e);
            }
        }

        private FormatException broken(String key, @Nullable NumberFormatException cause) throws FormatException {
            return new FormatException(contents.source(), "the entry " + POSITION + key + " is no valid number: '" + text(key) + "'",
                    cause);
        }
    }
}
