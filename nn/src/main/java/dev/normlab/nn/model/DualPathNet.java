package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// Dual path network (Chen et al. 2017, arXiv:1707.01629) for 32x32 images: a 3x3 convolution, four stages of blocks in which some channels
/// are added to as in ResNet and others grow as in DenseNet, the average over the remaining image and one linear layer.
///
/// Width scales all channels; those of the grouped convolutions stay multiples of the 32 groups.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class DualPathNet extends ReferenceBlock {

    private static final int STEM = 64;
    private static final int GROUPS = 32;
    private static final int[] INNER = {96, 192, 384, 768};
    private static final int[] RESIDUAL = {256, 512, 1024, 2048};
    private static final int[] GROWTH = {16, 32, 24, 128};

    private final ConvNorm stem;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    /// @param depths the number of blocks of each stage
    DualPathNet(List<Integer> depths, ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        for (int stage = 0; stage < INNER.length; stage++) {
            int inner = spec.scaled(INNER[stage], GROUPS);
            int residual = spec.scaled(RESIDUAL[stage], 1);
            int growth = spec.scaled(GROWTH[stage], 1);
            List<Layer> blocks = new ArrayList<>();
            for (int i = 0; i < depths.get(stage); i++) {
                blocks.add(new DualPathBlock(channels, inner, residual, growth, i == 0 && stage > 0 ? 2 : 1, i == 0));
                channels = residual + (i + 2) * growth;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = stem.relu(tape, x);
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, features(tape, y));
    }

    /// A bottleneck whose first `residual` output channels are added to those of the path around it, while the others of both stand beside
    /// each other behind the sum: the path's, then the new ones. ReLU follows. The first block of a stage projects the path.
    private static final class DualPathBlock extends ReferenceBlock {

        private final int residual;
        private final ConvNorm conv1;
        private final ConvNorm conv2;
        private final ConvNorm conv3;
        private final Sequential shortcut;

        DualPathBlock(int in, int inner, int residual, int growth, int stride, boolean first) {
            this.residual = residual;
            conv1 = convNorm(1, conv(in, inner, 1, 1));
            conv2 = convNorm(2, grouped(inner, inner, 3, stride, GROUPS));
            conv3 = convNorm(3, conv(inner, residual + growth, 1, 1));
            shortcut = child("shortcut", first ? Shortcut.projection(in, residual + growth, stride) : new Sequential());
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = conv3.apply(tape, conv2.relu(tape, conv1.relu(tape, x)));
            Tensor around = shortcut.forward(tape, x);
            int fresh = y.shape().size(1) - residual;
            List<Tensor> path = Arrangement.split(tape, around, 1, residual, around.shape().size(1) - residual);
            List<Tensor> own = Arrangement.split(tape, y, 1, residual, fresh);
            Tensor sum = Arithmetic.add(tape, path.getFirst(), own.getFirst());
            return Activations.relu(tape, Arrangement.concatenate(tape, 1, List.of(sum, path.getLast(), own.getLast())));
        }
    }
}
