package dev.normlab.engine.program;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.BatchNorm;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Dropout;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Softmax;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A small network of randomly chosen blocks with one step of training: forward, backward, norm decay, SGD with momentum. The same seed
/// gives the same network with the same initial state; every instance has its own.
final class RandomTrainingStep {

    private static final int CLASSES = 5;
    private static final int BLOCKS = 5;

    private final long seed;
    private final List<Tensor> parameters = new ArrayList<>();
    private final List<Tensor> velocities = new ArrayList<>();
    private final List<Tensor> buffers = new ArrayList<>();
    private final Tensor scalars = Tensor.of(Shape.of(6), 0.1f, 0.9f, 0f, 5e-4f, 0f, 0f).named("sgd");
    private final Tensor decay = Tensor.of(Shape.of(2), 1e-2f, 0.9f).named("decay");
    private final Tensor counter = Tensor.ofInts(Shape.of(4), 1, 2, 3, 0).named("counter");
    private RandomStream random;
    private int nextParameter;
    private int nextBuffer;

    RandomTrainingStep(long seed) {
        this.seed = seed;
        this.random = RandomStream.of(seed, "network");
        // A dry recording creates all parameters, so that a tape can watch them.
        Recorder dry = new Recorder(Device.scalar(1));
        logits(new Tape(dry, List.of()), dry.feed("x", TensorSpec.floats(inputShape())));
        dry.device().close();
        for (Tensor parameter : parameters) {
            velocities.add(Tensor.zeros(parameter.shape().toArray()));
        }
    }

    /// The shape of a batch.
    Shape inputShape() {
        RandomStream sizes = RandomStream.of(seed, "input");
        int[] channels = {1, 3, 10, 16, 24};
        return Shape.of(2 + sizes.nextInt(3), channels[sizes.nextInt(channels.length)], 5 + sizes.nextInt(3), 5 + sizes.nextInt(3));
    }

    /// What the tape watches.
    List<Tensor> parameters() {
        return parameters;
    }

    /// Everything that survives a step: parameters, velocities, running statistics.
    List<Tensor> state() {
        List<Tensor> state = new ArrayList<>(parameters);
        state.addAll(velocities);
        state.addAll(buffers);
        return state;
    }

    /// Changes what is a scalar tensor, as schedules and random streams do between steps.
    void prepare(int step) {
        scalars.set(0.1f / (1 + step), 0.9f, 0f, 5e-4f, step % 2, step == 0 ? 1 : 0);
        decay.set(1e-2f * (step + 1), 0.9f);
        counter.setInts(1, 2, 3, 100 * step);
    }

    /// A batch of images for one step.
    Tensor images(int step) {
        return Samples.uniform(1000 * seed + step, inputShape().toArray());
    }

    /// Labels for one step.
    Tensor labels(int step) {
        return Samples.integers(1000 * seed + step, CLASSES, inputShape().size(0));
    }

    /// One step of training: loss, logits and the gradients of all parameters.
    Map<String, Tensor> train(Tape tape, Tensor x, Tensor labels) {
        Tensor logits = logits(tape, x);
        Tensor loss = Losses.crossEntropy(tape, logits, labels);
        Tensor certainty = Losses.klDiv(tape, Softmax.logSoftmax(tape, logits, 1), tape.detach(Softmax.softmax(tape, logits, 1)), false,
                Losses.KlReduction.BATCH_MEAN);
        Tensor total = Arithmetic.add(tape, loss, Arithmetic.scale(tape, certainty, 0.3f));
        Gradients gradients = tape.backward(total);
        Map<String, Tensor> results = new LinkedHashMap<>();
        results.put("loss", total);
        results.put("logits", logits);
        for (int i = 0; i < parameters.size(); i++) {
            Tensor gradient = gradients.of(parameters.get(i));
            results.put("gradient " + i, tape.run(Opcode.RESHAPE, null, gradient.spec(), gradient));
            update(tape.executor(), i, gradient, results);
        }
        return results;
    }

    private void update(Executor executor, int index, Tensor gradient, Map<String, Tensor> results) {
        Tensor parameter = parameters.get(index);
        if (parameter.shape().rank() == 4) {
            Shape s = parameter.shape();
            SliceNormSizes sizes = new SliceNormSizes(s.size(0), s.size(1), s.size(2), s.size(3), 1, index % 2 == 0,
                    List.of(new TapSet(List.of(0, s.size(2) - 1).stream().distinct().toList(), List.of(0))));
            List<Tensor> norm = executor.run(Opcode.SLICE_NORM, sizes, List.of(TensorSpec.floats(1), TensorSpec.ints(Shape.of(2))),
                    parameter, null);
            Tensor trace = executor.run(Opcode.SCALE, 0f, gradient.spec(), gradient);
            executor.update(Opcode.SLICE_DECAY, sizes, List.of(trace, gradient), parameter, null, norm.get(1), decay);
            results.put("norm " + index, norm.get(0));
        }
        executor.update(Opcode.SGD, null, List.of(parameter, velocities.get(index)), gradient, scalars);
    }

    private Tensor logits(Tape tape, Tensor x) {
        random = RandomStream.of(seed, "network");
        nextParameter = 0;
        nextBuffer = 0;
        Tensor y = x;
        for (int block = 0; block < BLOCKS; block++) {
            y = block(tape, y, random.nextInt(11));
        }
        if (random.nextBoolean(0.5f)) {
            y = Pooling.adaptiveAveragePool2d(tape, y, 1, 1);
        }
        Tensor flat = Arrangement.flatten(tape, y);
        return Matrices.linear(tape, flat, parameter(CLASSES, flat.shape().size(1)), parameter(CLASSES));
    }

    private Tensor block(Tape tape, Tensor x, int kind) {
        int c = x.shape().size(1);
        return switch (kind) {
            case 0, 1 ->
                Activations.relu(tape, normalise(tape, convolve(tape, x, random.nextBoolean(0.5f) ? 17 : 32, 1 + random.nextInt(2))));
            case 2 -> Activations.silu(tape, Arithmetic.add(tape, x, convolve(tape, x, c, 1)));
            case 3 -> Pooling.maxPool2d(tape, x, Pool2dGeometry.of(2, 1, 1));
            case 4 -> Pooling.averagePool2d(tape, x, Pool2dGeometry.of(3, 2, 1));
            case 5 -> {
                Tensor squeezed = Pooling.adaptiveAveragePool2d(tape, x, 1, 1);
                yield Arithmetic.multiply(tape, x, Activations.sigmoid(tape, convolve(tape, squeezed, c, 1)));
            }
            case 6 -> Arrangement.concatenate(tape, 1, List.of(x, Arithmetic.exp(tape, Arithmetic.clamp(tape, x, -1f, 0.5f))));
            case 7 -> Arrangement.slice(tape, x, 1, c / 3, Math.max(1, c / 2));
            case 8 -> Dropout.dropout(tape, x, 0.3f, counter);
            case 9 -> Arrangement.channelShuffle(tape, Arrangement.pad(tape, x, 1, 0, 0, 1, PadMode.REPLICATE), c % 2 == 0 ? 2 : 1);
            default -> Arithmetic.divide(tape, x, Arithmetic.add(tape, Arithmetic.square(tape, x), Tensor.scalar(1f)));
        };
    }

    private Tensor convolve(Tape tape, Tensor x, int o, int stride) {
        int size = Math.min(3, Math.min(x.shape().size(2), x.shape().size(3)));
        int pad = size / 2;
        Conv2dGeometry geometry = new Conv2dGeometry(stride, stride, pad, pad, pad, pad, 1, 1, 1, PadMode.ZERO);
        return Convolution.conv2d(tape, x, parameter(o, x.shape().size(1), size, size), parameter(o), geometry);
    }

    private Tensor normalise(Tape tape, Tensor x) {
        int c = x.shape().size(1);
        Tensor mean = buffer(0f, c);
        Tensor var = buffer(1f, c);
        return BatchNorm.train(tape, x, parameter(c), parameter(c), mean, var, 0.1f, 1e-3f);
    }

    private Tensor parameter(int... sizes) {
        if (nextParameter == parameters.size()) {
            parameters.add(Samples.uniform(500 * seed + nextParameter, -0.4f, 0.4f, sizes).named("parameter " + nextParameter));
        }
        return parameters.get(nextParameter++);
    }

    private Tensor buffer(float value, int c) {
        if (nextBuffer == buffers.size()) {
            buffers.add(Tensor.full(value, c).named("buffer " + nextBuffer));
        }
        return buffers.get(nextBuffer++);
    }
}
