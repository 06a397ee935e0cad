package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// GoogLeNet (Szegedy et al., "Going deeper with convolutions", 2015) with batch norm for 32x32 images, in the form of the reference: a 3x3
/// convolution `pre_layers`, nine inception blocks `a3` to `b5` with max pooling after the second and the seventh, the average over the
/// remaining image, and one linear layer. There are no auxiliary classifiers, and two 3x3 convolutions stand for each 5x5 one. All
/// convolutions have a bias, though batch norm follows.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class GoogLeNet extends ReferenceBlock {

    private static final int STEM = 192;
    private static final Pool2dGeometry HALVING = Pool2dGeometry.of(3, 2, 1);

    /// The output channels of an inception block's branches.
    ///
    /// @param single    of the 1x1 convolution
    /// @param reduced3  before the 3x3 convolution
    /// @param three     of the 3x3 convolution
    /// @param reduced5  before the pair of 3x3 convolutions that stands for a 5x5 one
    /// @param five      of that pair
    /// @param pooled    of the 1x1 convolution behind the max pooling
    /// @param poolAfter whether max pooling that halves the image follows the block
    private record Sizes(String name, int single, int reduced3, int three, int reduced5, int five, int pooled, boolean poolAfter) {}

    private static final List<Sizes> BLOCKS = List.of(new Sizes("a3", 64, 96, 128, 16, 32, 32, false),
            new Sizes("b3", 128, 128, 192, 32, 96, 64, true),
            new Sizes("a4", 192, 96, 208, 16, 48, 64, false),
            new Sizes("b4", 160, 112, 224, 24, 64, 64, false),
            new Sizes("c4", 128, 128, 256, 24, 64, 64, false),
            new Sizes("d4", 112, 144, 288, 32, 64, 64, false),
            new Sizes("e4", 256, 160, 320, 32, 128, 128, true),
            new Sizes("a5", 256, 160, 320, 32, 128, 128, false),
            new Sizes("b5", 384, 192, 384, 48, 128, 128, false));

    private final Sequential stem;
    private final List<Layer> blocks = new ArrayList<>();
    private final Layer linear;

    GoogLeNet(ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = child("pre_layers", new Sequential(convNormRelu(3, channels, 3)));
        for (Sizes sizes : BLOCKS) {
            Inception block = child(sizes.name, new Inception(channels, sizes, spec));
            blocks.add(block);
            channels = block.channels;
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = stem.forward(tape, x);
        for (int i = 0; i < blocks.size(); i++) {
            y = blocks.get(i).forward(tape, y);
            y = BLOCKS.get(i).poolAfter ? Pooling.maxPool2d(tape, y, HALVING) : y;
        }
        return linear.forward(tape, features(tape, y));
    }

    private static List<Layer> convNormRelu(int in, int out, int kernel) {
        return List.of(new Conv2d(in, out, kernel, 1, kernel / 2, true), new BatchNorm2d(out), new ReLU());
    }

    /// Four branches `b1` to `b4` beside each other.
    private static final class Inception extends Layer {

        private static final Pool2dGeometry POOL = Pool2dGeometry.of(3, 1, 1);

        private final int channels;
        private final List<Sequential> branches;

        Inception(int in, Sizes sizes, ModelSpec spec) {
            int single = spec.scaled(sizes.single, 1);
            int reduced3 = spec.scaled(sizes.reduced3, 1);
            int three = spec.scaled(sizes.three, 1);
            int reduced5 = spec.scaled(sizes.reduced5, 1);
            int five = spec.scaled(sizes.five, 1);
            int pooled = spec.scaled(sizes.pooled, 1);
            channels = single + three + five + pooled;
            branches = List.of(child("b1", branch(convNormRelu(in, single, 1))),
                    child("b2", branch(convNormRelu(in, reduced3, 1), convNormRelu(reduced3, three, 3))),
                    child("b3", branch(convNormRelu(in, reduced5, 1), convNormRelu(reduced5, five, 3), convNormRelu(five, five, 3))),
                    child("b4", branch(List.of(new MaxPool2d(POOL)), convNormRelu(in, pooled, 1))));
        }

        @SafeVarargs
        private static Sequential branch(List<? extends Layer>... parts) {
            List<Layer> layers = new ArrayList<>();
            for (List<? extends Layer> part : parts) {
                layers.addAll(part);
            }
            return new Sequential(layers);
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return Arrangement.concatenate(tape, 1, branches.stream().map(branch -> branch.forward(tape, x)).toList());
        }
    }
}
