// Auto-PGD: the snippets of docs/guide/4-apgd.md.
// Run: ./normlab jshell docs/examples/apgd.jsh

// 4. Auto-PGD
import dev.normlab.attacks.*;
import dev.normlab.engine.autograd.*;
import dev.normlab.engine.kernel.*;
import dev.normlab.engine.tensor.*;
import dev.normlab.nn.data.*;
import dev.normlab.nn.layer.*;
import dev.normlab.nn.optim.*;
import java.util.*;

void show(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
}

Device device = Device.scalar(1);

// The task, and why a fixed step is not enough
Tensor best = Tensor.of(Shape.of(4), 0.52f, 0.47f, 0.5f, 0.44f);
float eps = 0.1f;

/// The loss, and its gradient in `gradient`.
float loss(float[] x, float[] gradient) {
    Tensor point = Tensor.of(Shape.of(4), x);
    try (Tape tape = Tape.eager(device, List.of(point))) {
        Tensor distance = Arithmetic.square(tape, Arithmetic.subtract(tape, point, best));
        Tensor f = Arithmetic.negate(tape, Reductions.sum(tape, distance, false));
        System.arraycopy(tape.backward(f).of(point).toArray(), 0, gradient, 0, 4);
        return f.item();
    }
}

/// The nearest point in the ball around 0.5 and in the box.
void project(float[] x) {
    for (int i = 0; i < 4; i++) {
        x[i] = Math.clamp(Math.clamp(x[i], 0.5f - eps, 0.5f + eps), 0, 1);
    }
}

float pgd(float step, int iterations) {
    float[] x = {0.5f, 0.5f, 0.5f, 0.5f};
    float[] gradient = new float[4];
    float highest = loss(x, gradient);
    for (int i = 0; i < iterations; i++) {
        for (int j = 0; j < 4; j++) {
            x[j] += step * Math.signum(gradient[j]);
        }
        project(x);
        highest = Math.max(highest, loss(x, gradient));
    }
    return highest;
}

for (float step : new float[] {0.2f, 0.02f, 0.002f, 0.0002f}) {
    show("PGD, step %.4f: highest loss %.1e", step, pgd(step, 100));
}

// When the step is halved
List<Integer> checkpoints(int iterations) {
    int shrink = Math.max((int) (0.03 * iterations), 1);
    int shortest = Math.max((int) (0.06 * iterations), 1);
    int window = Math.max((int) (0.22 * iterations), 1);
    List<Integer> after = new ArrayList<>();
    for (int step = window; step <= iterations; step += window) {
        after.add(step);
        window = Math.max(window - shrink, shortest);
    }
    return after;
}

show("100 steps: %s", checkpoints(100));
show(" 20 steps: %s", checkpoints(20));

// The step
float apgd(int iterations) {
    float[] x = {0.5f, 0.5f, 0.5f, 0.5f};
    float[] previous = x.clone();
    float[] gradient = new float[4];
    float now = loss(x, gradient);
    float highest = now;
    float[] bestPoint = x.clone();
    float[] bestGradient = gradient.clone();
    List<Integer> checkpoints = checkpoints(iterations);
    float step = 2 * eps;
    int increases = 0;
    int last = 0;
    float highestLast = highest;
    boolean reducedLast = true;
    for (int i = 0; i < iterations; i++) {
        float[] ahead = x.clone();
        for (int j = 0; j < 4; j++) {
            ahead[j] += step * Math.signum(gradient[j]);
        }
        project(ahead);
        float share = i == 0 ? 1 : 0.75f;
        for (int j = 0; j < 4; j++) {
            float next = x[j] + share * (ahead[j] - x[j]) + (1 - share) * (x[j] - previous[j]);
            previous[j] = x[j];
            x[j] = next;
        }
        project(x);
        float before = now;
        now = loss(x, gradient);
        increases += now > before ? 1 : 0;
        if (now > highest) {
            highest = now;
            bestPoint = x.clone();
            bestGradient = gradient.clone();
        }
        if (checkpoints.contains(i + 1)) {
            boolean tooFew = increases <= 0.75f * (i + 1 - last);
            boolean stuck = !reducedLast && highest <= highestLast;
            reducedLast = tooFew || stuck;
            show("after %2d steps: %2d of %2d raised the loss, highest %.1e, %s", i + 1, increases, i + 1 - last, highest,
                    reducedLast ? "halve" : "go on");
            if (reducedLast) {
                step /= 2;
                x = bestPoint.clone();
                gradient = bestGradient.clone();
            }
            last = i + 1;
            increases = 0;
            highestLast = highest;
        }
    }
    return highest;
}

show("APGD: highest loss %.1e", apgd(100));

// The loss
Tensor crossEntropy(Tape tape, Tensor logits) {
    return Losses.crossEntropy(tape, logits, Tensor.ofInts(Shape.of(1), 0));
}

/// For one image whose true class 0 has the largest logit.
Tensor dlr(Tape tape, Tensor logits) {
    Tensor sorted = Reductions.topK(tape, logits, 3, 1).values();
    Tensor margin = Arithmetic.subtract(tape, Arrangement.slice(tape, sorted, 1, 1, 1), Arrangement.slice(tape, logits, 1, 0, 1));
    Tensor spread = Arithmetic.subtract(tape, Arrangement.slice(tape, sorted, 1, 0, 1), Arrangement.slice(tape, sorted, 1, 2, 1));
    return Reductions.sum(tape, Arithmetic.divide(tape, margin, spread), false);
}

void losses(float factor) {
    Tensor logits = Tensor.of(Shape.of(1, 4), 5 * factor, 2 * factor, 3 * factor, 1 * factor);
    try (Tape tape = Tape.eager(device, List.of(logits))) {
        Tensor ce = crossEntropy(tape, logits);
        Tensor ratio = dlr(tape, logits);
        show("logits times %3.0f: CE %.4f, its gradient at class 2 %.1e;  DLR %.4f, its gradient at class 2 %.1e", factor, ce.item(),
                tape.backward(ce).of(logits).toArray()[2], ratio.item(), tape.backward(ratio).of(logits).toArray()[2]);
    }
}

losses(1);
losses(10);
losses(100);

// Why gradient masking matters
DataSplits data = DataSpec.parse("synthetic:size=16,train=400,test=60").load();
Linear linear = new Linear(3 * 16 * 16, 10, true);
Layer model = new Sequential(new Flatten(), linear).initialize(1);
Sgd sgd = new Sgd(model, SgdOptions.of(0.02, 0.9, 0));
for (int epoch = 0; epoch < 20; epoch++) {
    try (BatchLoader.Epoch batches = BatchLoader.shuffled(data.train(), 40, 1, null).epoch(epoch)) {
        while (batches.hasNext()) {
            Batch batch = batches.next();
            try (Tape tape = Tape.eager(device, model.trainable())) {
                Tensor loss = Losses.crossEntropy(tape, model.forward(tape, batch.imageTensor()), batch.labelTensor());
                sgd.step(tape.executor(), tape.backward(loss));
            }
        }
    }
}

class Loud extends Layer {
    private final Layer inner;
    private final float factor;

    Loud(Layer inner, float factor) {
        this.inner = child("inner", inner);
        this.factor = factor;
    }

    protected Tensor compute(Tape tape, Tensor x) {
        return Arithmetic.scale(tape, inner.forward(tape, x), factor);
    }
}

ThreatModel threat = new ThreatModel(ThreatModel.Ball.LINF, 8 / 255f);

RobustnessResult attack(Layer network, ApgdOptions.Variant variant) {
    Apgd apgd = new Apgd(ApgdOptions.of(variant).withIterations(20));
    return new RobustnessEvaluation(List.of(apgd), threat, false, 60, 0).run(network, data.train().first(60), device, (name, images, result) -> {
    });
}

for (ApgdOptions.Variant variant : ApgdOptions.Variant.values()) {
    RobustnessResult plain = attack(model, variant);
    RobustnessResult loud = attack(new Loud(model, 1000), variant);
    show("%-8s robust %2d of %d;  logits times 1000: %2d of %d", variant.attack(), plain.robustCorrect(), plain.cleanCorrect(),
            loud.robustCorrect(), loud.cleanCorrect());
    loud.warnings().forEach(warning -> show("         warning: %s", warning));
}

LinearOracle oracle = new LinearOracle(linear);
int robust = 0;
for (int i = 0; i < 60; i++) {
    float[] image = new float[3 * 16 * 16];
    data.train().image(i, image, 0);
    robust += oracle.distance(ThreatModel.Ball.LINF, image, data.train().label(i)) > threat.eps() ? 1 : 0;
}
show("truth    robust %2d", robust);
