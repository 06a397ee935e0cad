// Norm decay: the snippets of docs/guide/3-norm-decay.md.
// Run: ./normlab jshell docs/examples/norm-decay.jsh

// 3. Norm decay
import dev.normlab.engine.autograd.*;
import dev.normlab.engine.kernel.*;
import dev.normlab.engine.program.*;
import dev.normlab.engine.tensor.*;
import dev.normlab.lip.norm.*;
import dev.normlab.nn.layer.*;
import dev.normlab.nn.optim.*;
import dev.normlab.nn.train.*;
import java.util.*;

void show(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
}

Device device = Device.scalar(1);

// The gradient of a norm
Conv2d conv = new Conv2d(2, 3, 1, 1, 0, false);
conv.inputSize(new ImageSize(4, 4));
conv.weight().set(1, 2, -3, 1, 2, -1);

double norm(Norm norm) {
    return LayerNorms.of(conv).layers().getFirst().of(norm);
}

void print(String what, float[] weights) {
    show("%-8s %6.3f %6.3f | %6.3f %6.3f | %6.3f %6.3f", what, weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]);
}

print("weights", conv.weight().tensor().toArray());
show("l1 %.0f (the columns sum to 6 and 4), linf %.0f (the rows sum to 3, 4, 3)", norm(Norm.L1), norm(Norm.LINF));

float[] differences(Norm norm) {
    float[] weights = conv.weight().tensor().toArray();
    float[] slopes = new float[weights.length];
    float h = 1f / 64;
    for (int i = 0; i < weights.length; i++) {
        float[] moved = weights.clone();
        moved[i] += h;
        conv.weight().set(moved);
        double above = norm(norm);
        moved[i] -= 2 * h;
        conv.weight().set(moved);
        slopes[i] = (float) ((above - norm(norm)) / (2 * h));
    }
    conv.weight().set(weights);
    return slopes;
}

print("l1", differences(Norm.L1));
print("linf", differences(Norm.LINF));

// The step
Tensor weight = conv.weight().tensor();
NormDecay decay = new NormDecay(conv, NormDecay.Options.of(Norm.L1, 0.1f));

float[] decayed() {
    Tensor gradient = Tensor.zeros(3, 2, 1, 1);
    try (Tape tape = Tape.inference(device)) {
        decay.apply(tape.executor(), new Gradients(Map.of(weight, gradient)));
    }
    return gradient.toArray();
}

print("first", decayed());
conv.weight().set(1, 4, -3, 1, 2, -3);
print("second", decayed());
print("third", decayed());

// Where it stands in a step of training
record Scaled(Layer model, float factor) implements TrainingHook {
    public Moment moment() {
        return Moment.AFTER_BACKWARD;
    }

    public void apply(Executor executor, Gradients gradients) {
        for (Tensor parameter : model.trainable()) {
            Tensor gradient = gradients.of(parameter);
            Tensor scaled = executor.run(Opcode.SCALE, factor, gradient.spec(), gradient);
            executor.update(Opcode.ASSIGN, null, List.of(gradient), scaled);
        }
    }
}

Tensor ones = Tensor.full(1, 3, 2, 1, 1);
try (Tape tape = Tape.inference(device)) {
    new Scaled(conv, 0.25f).apply(tape.executor(), new Gradients(Map.of(weight, ones)));
}
print("scaled", ones.toArray());

// What it changes in the weights
Conv2d wide(long seed) {
    Conv2d layer = new Conv2d(8, 8, 3, 1, 1, false);
    layer.inputSize(new ImageSize(8, 8));
    layer.initialize(seed);
    return layer;
}

/// The sums of absolute weights by input channel: the largest is the l1 norm.
double[] columns(Conv2d layer) {
    float[] k = layer.weight().tensor().toArray();
    double[] sums = new double[8];
    for (int i = 0; i < k.length; i++) {
        sums[i / 9 % 8] += Math.abs(k[i]);
    }
    return sums;
}

void print(String what, Conv2d layer) {
    float[] k = layer.weight().tensor().toArray();
    double squares = 0;
    for (float value : k) {
        squares += (double) value * value;
    }
    StringBuilder sums = new StringBuilder();
    for (double sum : columns(layer)) {
        sums.append(String.format(Locale.ROOT, " %.2f", sum));
    }
    show("%-12s columns%s  l2 length of the weights %.2f", what, sums, Math.sqrt(squares));
}

void descend(Conv2d layer, SgdOptions options, Optional<NormDecay> hook, int steps) {
    Sgd sgd = new Sgd(layer, options);
    for (int step = 0; step < steps; step++) {
        Gradients gradients = new Gradients(Map.of(layer.weight().tensor(), Tensor.zeros(8, 8, 3, 3)));
        try (Tape tape = Tape.inference(device)) {
            hook.ifPresent(decay -> decay.apply(tape.executor(), gradients));
            sgd.step(tape.executor(), gradients);
        }
    }
}

Conv2d first = wide(1);
print("before", first);
descend(first, SgdOptions.of(0.0005, 0, 0), Optional.of(new NormDecay(first, NormDecay.Options.of(Norm.L1, 1))), 60);
print("norm decay", first);
Conv2d second = wide(1);
descend(second, SgdOptions.of(0.005, 0, 0.7), Optional.empty(), 60);
print("weight decay", second);

// Batch norm
BatchNorm2d norms = new BatchNorm2d(4);
norms.initialize(1);
norms.weight().orElseThrow().set(9, -8, 7, 1);
try (Tape tape = Tape.inference(device)) {
    new BatchNormProjection(norms, 5).apply(tape.executor());
}
show("%s", Arrays.toString(norms.weight().orElseThrow().tensor().toArray()));
