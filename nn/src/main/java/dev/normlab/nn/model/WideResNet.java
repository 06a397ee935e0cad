package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// Wide ResNet (Zagoruyko & Komodakis 2016, arXiv:1605.07146) with the layout and names that adversarial training uses since TRADES (Zhang
/// et al. 2019) and that RobustBench loads: a 3x3 convolution with 16 channels, three groups `block1`, `block2`, `block3` of [WideBlock]s
/// with 16, 32 and 64 times the widening factor, batch norm, ReLU, the average over the remaining image, and the linear layer `fc`.
///
/// The option `dropout` is the rate in the blocks, 0 by default. Two things are left out on purpose: the group `sub_block1` that some
/// published files contain and that no forward pass uses, and TRADES's own first values (normal by fan-out): first values are PyTorch's
/// defaults as in all models.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class WideResNet extends ReferenceBlock {

    private static final int STEM = 16;
    private static final int GROUPS = 3;

    private final Conv2d conv1;
    private final List<Layer> blocks = new ArrayList<>();
    private final BatchNorm2d bn1;
    private final Layer fc;

    /// @param depth  layers with weights, `6 k + 4` for `k` blocks in each group
    /// @param factor how much wider than a ResNet
    WideResNet(int depth, int factor, ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        conv1 = child("conv1", conv(3, channels, 3, 1));
        for (int group = 0; group < GROUPS; group++) {
            int out = spec.scaled((STEM << group) * factor, 1);
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < (depth - 4) / 6; i++) {
                layers.add(new WideBlock(channels, out, i == 0 && group > 0 ? 2 : 1, (float) spec.option("dropout")));
                channels = out;
            }
            blocks.add(child("block" + (group + 1), new Group(layers)));
        }
        bn1 = child("bn1", new BatchNorm2d(channels));
        fc = child("fc", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = conv1.forward(tape, x);
        for (Layer block : blocks) {
            y = block.forward(tape, y);
        }
        return fc.forward(tape, features(tape, Activations.relu(tape, bn1.forward(tape, y))));
    }

    /// The blocks of a group, which are `layer.0`, `layer.1`, .. in the files.
    private static final class Group extends Layer {

        private final Sequential layer;

        Group(List<Layer> layers) {
            layer = child("layer", new Sequential(layers));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return layer.forward(tape, x);
        }
    }
}
