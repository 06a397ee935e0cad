// Tensors, operations and gradients: the snippets of docs/guide/1-autograd.md.
// Run: ./normlab jshell docs/examples/autograd.jsh

// 1. Tensors, operations and gradients
import dev.normlab.engine.autograd.*;
import dev.normlab.engine.kernel.*;
import dev.normlab.engine.program.*;
import dev.normlab.engine.tensor.*;
import java.util.*;

void show(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
}

Device device = Device.scalar(1);

// A tensor is a shape and memory
Tensor x = Tensor.of(Shape.of(2, 3), 1, -2, 3, 4, 0.5f, 6).named("x");
show("%s %s", x, Arrays.toString(x.toArray()));

void attempt(Runnable action) {
    try {
        action.run();
    } catch (RuntimeException e) {
        show("%s", e.getMessage());
    }
}

attempt(() -> {
    try (Tape tape = Tape.inference(device)) {
        Convolution.conv2d(tape, Tensor.zeros(1, 8, 8, 3), Tensor.zeros(4, 3, 3, 3), null, Conv2dGeometry.of(1, 1));
    }
});

// An operation is data
Tensor w = Tensor.of(Shape.of(3), 2, 3, 4).named("w");
Recorder recorder = new Recorder(device);
try (Tape tape = new Tape(recorder, List.of(w))) {
    Tensor input = recorder.feed("input", TensorSpec.floats(2, 3));
    Tensor sum = Reductions.sum(tape, Activations.relu(tape, Arithmetic.multiply(tape, input, w)), false);
    recorder.fetch("sum", sum);
    recorder.fetch("dw", tape.backward(sum).of(w));
}
StepProgram program = recorder.program();
for (Operation operation : program.operations()) {
    show("%-15s reads %-7s makes %s", operation.opcode(), Arrays.toString(operation.inputs()), Arrays.toString(operation.outputs()));
}

try (CompiledProgram compiled = CompiledProgram.of(program, device)) {
    Map<String, Tensor> results = compiled.replay(Map.of("input", x));
    show("sum %.1f, dw %s", results.get("sum").item(), Arrays.toString(results.get("dw").toArray()));
}

// The tape
double value(float[] weights) {
    try (Tape tape = Tape.inference(device)) {
        Tensor product = Arithmetic.multiply(tape, x, Tensor.of(Shape.of(3), weights));
        return Reductions.sum(tape, Activations.relu(tape, product), false).item();
    }
}

float[] gradient(Tensor weights) {
    try (Tape tape = Tape.eager(device, List.of(weights))) {
        Tensor product = Arithmetic.multiply(tape, x, weights);
        Tensor sum = Reductions.sum(tape, Activations.relu(tape, product), false);
        return tape.backward(sum).of(weights).toArray();
    }
}

float[] exact = gradient(w);
float h = 1f / 64;
for (int i = 0; i < 3; i++) {
    float[] more = w.toArray();
    float[] less = w.toArray();
    more[i] += h;
    less[i] -= h;
    show("dw[%d] = %.3f, by differences %.3f", i, exact[i], (value(more) - value(less)) / (2 * h));
}

// A convolution has three operations
Tensor random(String purpose, int... sizes) {
    float[] values = new float[Shape.of(sizes).elements()];
    RandomStream.of(7, purpose).fillNormal(values, 0, 1);
    return Tensor.of(Shape.of(sizes), values);
}

double dot(Tensor a, Tensor b) {
    double sum = 0;
    for (int i = 0; i < a.shape().elements(); i++) {
        sum += (double) a.toArray()[i] * b.toArray()[i];
    }
    return sum;
}

Tensor image = random("image", 2, 3, 9, 9);
Tensor kernel = random("kernel", 4, 3, 3, 3);
Tensor dOut = random("dOut", 2, 4, 5, 5);
try (Tape tape = Tape.eager(device, List.of(image))) {
    Tensor y = Convolution.conv2d(tape, image, kernel, null, Conv2dGeometry.of(2, 1));
    Tensor dx = tape.backward(y, dOut).of(image);
    show("%s -> %s", image, y);
    show("<Mx, dOut> = %.3f, <x, M'dOut> = %.3f", dot(y, dOut), dot(image, dx));
}
show("gradients of a kernel so far: %d", device.calls("CONV2D_BACKWARD_WEIGHT"));

// A function of your own
Tensor cube(Tape tape, Tensor a) {
    Tensor y;
    Tensor square;
    try (Tape silent = new Tape(tape.executor().nested(), List.of())) {
        square = silent.keep(Arithmetic.multiply(silent, a, a));
        y = silent.keep(Arithmetic.multiply(silent, square, a));
    }
    return tape.onBackward(y, List.of(a), (dOut, sink) -> sink.add(a,
            () -> Arithmetic.scale(tape, Arithmetic.multiply(tape, dOut, square), 3)));
}

try (Tape tape = Tape.eager(device, List.of(x))) {
    Tensor total = Reductions.sum(tape, cube(tape, x), false);
    show("%s", Arrays.toString(tape.backward(total).of(x).toArray()));
}
