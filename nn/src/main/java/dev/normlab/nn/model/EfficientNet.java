package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// EfficientNet-B0 (Tan & Le 2019, arXiv:1905.11946) in the form of the reference: a 3x3 convolution, sixteen [MobileConvBlock]s, the
/// average over the remaining image, dropout and one linear layer; the activation is SiLU. There is no 1x1 convolution behind the blocks.
///
/// The option `dropout` is the rate before the linear layer, 0.2 by default. With the option `dropconnect=r`, training leaves block `i` of
/// the 16 out for an image with probability `r i / 16`, if the block has a way around it. The reference means to take `r` = 0.2, but its
/// counter of blocks stays 0, so that it never leaves out any; the default is 0, which computes what the reference computes.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class EfficientNet extends ReferenceBlock {

    private static final int STEM = 32;

    /// Blocks of one kind in a row; the first has the stride.
    private record Group(int expansion, int planes, int blocks, int kernel, int stride) {}

    private static final List<Group> GROUPS = List.of(new Group(1, 16, 1, 3, 1), new Group(6, 24, 2, 3, 2), new Group(6, 40, 2, 5, 2),
            new Group(6, 80, 3, 3, 2), new Group(6, 112, 3, 5, 1), new Group(6, 192, 4, 5, 2), new Group(6, 320, 1, 3, 1));

    private final ConvNorm stem;
    private final Sequential layers;
    private final Dropout dropout;
    private final Layer linear;

    EfficientNet(ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        double total = GROUPS.stream().mapToInt(Group::blocks).sum();
        List<Layer> blocks = new ArrayList<>();
        for (Group group : GROUPS) {
            int out = spec.scaled(group.planes, 1);
            for (int i = 0; i < group.blocks; i++) {
                float skipped = (float) (spec.option("dropconnect") * blocks.size() / total);
                blocks.add(new MobileConvBlock(channels, out, group.expansion, group.kernel, i == 0 ? group.stride : 1, skipped));
                channels = out;
            }
        }
        layers = child("layers", new Sequential(blocks));
        linear = child("linear", spec.head().layer(channels, spec.classes()));
        dropout = child("dropout", new Dropout((float) spec.option("dropout")));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = layers.forward(tape, stem.silu(tape, x));
        return linear.forward(tape, dropout.forward(tape, features(tape, y)));
    }
}
