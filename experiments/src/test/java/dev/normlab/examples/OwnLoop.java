package dev.normlab.examples;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.BatchNormProjection;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormDecay;
import dev.normlab.nn.data.Augmentation;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.DataSpec;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import java.util.List;

/// A training loop of one's own. The README shows the marked part.
final class OwnLoop {

    private OwnLoop() {}

    /// Trains a small network with norm decay.
    ///
    /// @return the l1 norms of all layers after the last step, in module order
    static List<Double> train(String modelSpec, String dataSpec, int epochs) {
        // README: begin
        try (Device device = Device.cpu(Runtime.getRuntime().availableProcessors())) {
            DataSplits data = DataSpec.parse(dataSpec).load();
            Layer model = Models.create(modelSpec, 42);
            Sgd sgd = new Sgd(model, SgdOptions.of(0.05, 0.9, 0));
            BatchLoader loader = BatchLoader.shuffled(data.train(), 64, 42, Augmentation.cropAndFlip());
            NormDecay decay = new NormDecay(model, NormDecay.Options.of(Norm.L1, 1e-3f)); // bind
            BatchNormProjection projection = new BatchNormProjection(model, 5f);

            for (int epoch = 0; epoch < epochs; epoch++) {
                try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                    while (batches.hasNext()) {
                        Batch batch = batches.next();
                        try (Tape tape = Tape.eager(device, model.trainable())) {
                            Tensor loss = Losses.crossEntropy(tape, model.forward(tape, batch.imageTensor()), batch.labelTensor());
                            Gradients gradients = tape.backward(loss);
                            decay.apply(tape.executor(), gradients); // before the update
                            sgd.step(tape.executor(), gradients);
                            projection.apply(tape.executor()); // after the update
                        }
                    }
                }
            }
            return LayerNorms.of(model).layers().stream().map(layer -> layer.of(Norm.L1)).toList();
        }
        // README: end
    }
}
