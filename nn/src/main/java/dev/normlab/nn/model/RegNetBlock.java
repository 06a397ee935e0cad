package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import org.jspecify.annotations.Nullable;

/// The block of RegNet (Radosavovic et al., "Designing network design spaces", 2020): a 1x1 convolution, a grouped 3x3 convolution with the
/// stride, squeeze and excitation in RegNetY, a 1x1 convolution, and the shortcut.
final class RegNetBlock extends Layer {

    private final ReLU relu = new ReLU();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final Conv2d conv2;
    private final BatchNorm2d bn2;
    private final @Nullable SqueezeExcitation excitation;
    private final Conv2d conv3;
    private final BatchNorm2d bn3;
    private final Sequential shortcut;

    /// @param ratio channels between the squeeze layers for each *input* channel of the block; 0 for none
    RegNetBlock(int in, int out, int stride, int groupWidth, double ratio) {
        conv1 = child("conv1", new Conv2d(in, out, 1, 1, 0, false));
        bn1 = child("bn1", new BatchNorm2d(out));
        conv2 = child("conv2", new Conv2d(out, out, 3, 3, Conv2dGeometry.of(stride, 1, out / groupWidth), false));
        bn2 = child("bn2", new BatchNorm2d(out));
        excitation = ratio == 0 ? null : child("se", new SqueezeExcitation(out, (int) Math.max(1, Math.rint(in * ratio))));
        conv3 = child("conv3", new Conv2d(out, out, 1, 1, 0, false));
        bn3 = child("bn3", new BatchNorm2d(out));
        shortcut = child("shortcut", Shortcut.of(in, out, stride));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = relu.forward(tape, bn1.forward(tape, conv1.forward(tape, x)));
        y = relu.forward(tape, bn2.forward(tape, conv2.forward(tape, y)));
        if (excitation != null) {
            y = excitation.forward(tape, y);
        }
        y = bn3.forward(tape, conv3.forward(tape, y));
        return relu.forward(tape, Arithmetic.add(tape, y, shortcut.forward(tape, x)));
    }
}
