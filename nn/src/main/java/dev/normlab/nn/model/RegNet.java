package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// RegNet (Radosavovic et al., "Designing network design spaces", 2020) for 32x32 images: a 3x3 convolution with batch norm and ReLU, four
/// stages of [RegNetBlock]s of which the last two halve the image, the average over the remaining image and one linear layer.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class RegNet extends Layer {

    /// The sizes of a RegNet.
    ///
    /// @param depths          blocks of each stage
    /// @param widths          channels of each stage, multiples of the group width
    /// @param groupWidth      channels of a group in the 3x3 convolutions
    /// @param excitationRatio channels of the squeeze layers for each input channel of a block; 0 for none
    record Sizes(List<Integer> depths, List<Integer> widths, int groupWidth, double excitationRatio) {}

    static final Sizes X_200MF = new Sizes(List.of(1, 1, 4, 7), List.of(24, 56, 152, 368), 8, 0);
    static final Sizes X_400MF = new Sizes(List.of(1, 2, 7, 12), List.of(32, 64, 160, 384), 16, 0);
    static final Sizes Y_400MF = new Sizes(List.of(1, 2, 7, 12), List.of(32, 64, 160, 384), 16, 0.25);

    private static final int STEM = 64;
    private static final int FIRST_HALVING_STAGE = 2;

    private final ReLU relu = new ReLU();
    private final AdaptiveAvgPool2d pool = new AdaptiveAvgPool2d(1, 1);
    private final Flatten flatten = new Flatten();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    RegNet(Sizes sizes, ModelSpec spec) {
        int channels = spec.scaled(STEM, sizes.groupWidth);
        conv1 = child("conv1", new Conv2d(3, channels, 3, 1, 1, false));
        bn1 = child("bn1", new BatchNorm2d(channels));
        for (int stage = 0; stage < sizes.depths.size(); stage++) {
            List<Layer> blocks = new ArrayList<>();
            int out = spec.scaled(sizes.widths.get(stage), sizes.groupWidth);
            for (int i = 0; i < sizes.depths.get(stage); i++) {
                int stride = i == 0 && stage >= FIRST_HALVING_STAGE ? 2 : 1;
                blocks.add(new RegNetBlock(channels, out, stride, sizes.groupWidth, sizes.excitationRatio));
                channels = out;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = relu.forward(tape, bn1.forward(tape, conv1.forward(tape, x)));
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, flatten.forward(tape, pool.forward(tape, y)));
    }
}
