// Train and attack a small network: the snippets of docs/guide/README.md.
// Run: ./normlab jshell docs/examples/train-and-attack.jsh

// Train and attack a small network
import dev.normlab.attacks.*;
import dev.normlab.engine.autograd.*;
import dev.normlab.engine.kernel.*;
import dev.normlab.engine.tensor.*;
import dev.normlab.lip.norm.*;
import dev.normlab.nn.data.*;
import dev.normlab.nn.layer.*;
import dev.normlab.nn.optim.*;
import dev.normlab.nn.train.*;
import java.util.*;

Device device = Device.scalar(2);
DataSplits data = DataSpec.parse("synthetic:size=16,train=600,test=100,difficulty=0.3").load();

Layer network() {
    return new Sequential(new Conv2d(3, 12, 3, 2, 1, true), new ReLU(), new Conv2d(12, 24, 3, 2, 1, true), new ReLU(), new Flatten(),
            new Linear(24 * 4 * 4, 10, true)).initialize(1);
}

Layer train(Layer model, Optional<NormDecay> decay) {
    Sgd sgd = new Sgd(model, SgdOptions.of(0.05, 0.9, 0));
    BatchLoader loader = BatchLoader.shuffled(data.train(), 50, 1, null);
    for (int epoch = 0; epoch < 8; epoch++) {
        try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
            while (batches.hasNext()) {
                Batch batch = batches.next();
                try (Tape tape = Tape.eager(device, model.trainable())) {
                    Tensor loss = Losses.crossEntropy(tape, model.forward(tape, batch.imageTensor()), batch.labelTensor());
                    Gradients gradients = tape.backward(loss);
                    decay.ifPresent(hook -> hook.apply(tape.executor(), gradients));
                    sgd.step(tape.executor(), gradients);
                }
            }
        }
    }
    return model;
}

void report(String name, Layer model) {
    double sum = LayerNorms.of(model).sum(Norm.L1, EnumSet.allOf(LayerKind.class));
    Attack pgd = new Pgd(PgdOptions.DEFAULT);
    RobustnessEvaluation evaluation = new RobustnessEvaluation(List.of(pgd), new ThreatModel(ThreatModel.Ball.LINF, 4 / 255f), false, 50, 0);
    RobustnessResult result = evaluation.run(model, data.test(), device, (attack, images, outcome) -> {
    });
    System.out.println(String.format(Locale.ROOT, "%-10s sum of l1 norms %5.1f, accuracy %2.0f%%, under PGD %2.0f%%", name, sum,
            100 * result.cleanAccuracy(), 100 * result.robustAccuracy()));
}

report("plain", train(network(), Optional.empty()));
Layer decayed = network();
report("norm decay", train(decayed, Optional.of(new NormDecay(decayed, NormDecay.Options.of(Norm.L1, 3e-3f)))));
