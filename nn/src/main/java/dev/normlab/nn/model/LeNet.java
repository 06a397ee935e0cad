package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;

/// LeNet (LeCun et al. 1998) in the form of the reference: two 5x5 convolutions without padding, each with ReLU and 2x2 max pooling, and
/// three linear layers with ReLU between them.
///
/// Shapes: `[n, 3, 32, 32]` to `[n, classes]`; the first linear layer fits no other size. Width scales the hidden linear layers, too.
final class LeNet extends Layer {

    private static final int SIDE = 32;
    private static final int POOLED_SIDE = 5;
    private static final Pool2dGeometry POOL = Pool2dGeometry.of(2, 2, 0);

    private final Conv2d conv1;
    private final Conv2d conv2;
    private final Linear fc1;
    private final Linear fc2;
    private final Layer fc3;

    LeNet(ModelSpec spec) {
        int first = spec.scaled(6, 1);
        int second = spec.scaled(16, 1);
        int wide = spec.scaled(120, 1);
        int narrow = spec.scaled(84, 1);
        conv1 = child("conv1", new Conv2d(3, first, 5, 1, 0, true));
        conv2 = child("conv2", new Conv2d(first, second, 5, 1, 0, true));
        fc1 = child("fc1", new Linear(second * POOLED_SIDE * POOLED_SIDE, wide, true));
        fc2 = child("fc2", new Linear(wide, narrow, true));
        fc3 = child("fc3", spec.head().layer(narrow, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        if (x.shape().rank() != 4 || x.shape().size(2) != SIDE || x.shape().size(3) != SIDE) {
            throw new ShapeException("LeNet: expected images [n, 3, 32, 32], but got " + x.shape()
                    + "; its linear layers fit no other size, so scale the images or take another model");
        }
        Tensor y = pooled(tape, conv1, x);
        y = Arrangement.flatten(tape, pooled(tape, conv2, y));
        y = Activations.relu(tape, fc1.forward(tape, y));
        y = Activations.relu(tape, fc2.forward(tape, y));
        return fc3.forward(tape, y);
    }

    private static Tensor pooled(Tape tape, Conv2d conv, Tensor x) {
        return Pooling.maxPool2d(tape, Activations.relu(tape, conv.forward(tape, x)), POOL);
    }
}
