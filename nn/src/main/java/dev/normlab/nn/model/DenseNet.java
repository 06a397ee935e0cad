package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// DenseNet (Huang et al., "Densely connected convolutional networks", 2017) with bottlenecks and compression for 32x32 images: a 3x3
/// convolution, four dense blocks `dense1`, `dense2`, .. in which every layer adds `growth` channels to all earlier ones, transitions
/// `trans1`, `trans2`, `trans3` between them that halve channels and image, batch norm, ReLU, the average over the remaining image and one
/// linear layer. New channels come first in a concatenation, as in the reference.
///
/// Width scales the growth, on which all channel counts depend.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class DenseNet extends ReferenceBlock {

    private final Conv2d conv1;
    private final List<Layer> parts = new ArrayList<>();
    private final BatchNorm2d bn;
    private final Layer linear;

    /// @param depths the number of layers in each dense block
    /// @param growth new channels of each layer
    DenseNet(List<Integer> depths, int growth, ModelSpec spec) {
        int added = spec.scaled(growth, 1);
        int channels = 2 * added;
        conv1 = child("conv1", conv(3, channels, 3, 1));
        for (int block = 0; block < depths.size(); block++) {
            List<Layer> layers = new ArrayList<>();
            for (int i = 0; i < depths.get(block); i++) {
                layers.add(new DenseLayer(channels, added));
                channels += added;
            }
            parts.add(child("dense" + (block + 1), new Sequential(layers)));
            if (block < depths.size() - 1) {
                parts.add(child("trans" + (block + 1), new Transition(channels, channels / 2)));
                channels /= 2;
            }
        }
        bn = child("bn", new BatchNorm2d(channels));
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = conv1.forward(tape, x);
        for (Layer part : parts) {
            y = part.forward(tape, y);
        }
        return linear.forward(tape, features(tape, Activations.relu(tape, bn.forward(tape, y))));
    }

    /// `concatenate(conv2(relu(bn2(conv1(relu(bn1(x)))))), x)`: a 1x1 convolution to four times the growth, then a 3x3 one.
    private static final class DenseLayer extends ReferenceBlock {

        private static final int BOTTLENECK = 4;

        private final NormConv first;
        private final NormConv second;

        DenseLayer(int in, int growth) {
            first = normConv(1, conv(in, BOTTLENECK * growth, 1, 1));
            second = normConv(2, conv(BOTTLENECK * growth, growth, 3, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = second.apply(tape, first.apply(tape, x));
            return Arrangement.concatenate(tape, 1, List.of(y, x));
        }
    }

    /// Batch norm, ReLU, a 1x1 convolution and 2x2 averages.
    private static final class Transition extends ReferenceBlock {

        private static final Pool2dGeometry POOL = Pool2dGeometry.of(2, 2, 0);

        private final NormConv part;

        Transition(int in, int out) {
            part = new NormConv(child("bn", new BatchNorm2d(in)), child("conv", conv(in, out, 1, 1)));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return Pooling.averagePool2d(tape, part.apply(tape, x), POOL);
        }
    }
}
