package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Identity;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// VGG (Simonyan & Zisserman, 2015) with batch norm for 32x32 images: 3x3 convolutions with bias, each followed by batch norm and ReLU,
/// five max poolings that halve the image, and one linear layer. `features` holds the former in one sequence, so that convolution, norm and
/// ReLU have consecutive numbers.
///
/// Shapes: `[n, 3, 32, 32]` (up to 63x63) to `[n, classes]`.
public final class Vgg extends Layer {

    private static final int POOL = 0;

    private final Sequential features;
    private final Flatten flatten = new Flatten();
    private final Layer classifier;

    /// @param depth layers with weights: 11, 13, 16 or 19
    Vgg(int depth, ModelSpec spec) {
        List<Layer> layers = new ArrayList<>();
        int channels = 3;
        for (int planes : plan(depth)) {
            if (planes == POOL) {
                layers.add(new MaxPool2d(2, 2));
                continue;
            }
            int width = spec.scaled(planes, 1);
            layers.add(new Conv2d(channels, width, 3, 1, 1, true));
            layers.add(new BatchNorm2d(width));
            layers.add(new ReLU());
            channels = width;
        }
        layers.add(new Identity()); // the reference ends with an average over 1x1 windows, which has a number but changes nothing
        features = child("features", new Sequential(layers));
        classifier = child("classifier", spec.head().layer(channels, spec.classes()));
    }

    private static List<Integer> plan(int depth) {
        int repeats = switch (depth) {
            case 11, 13 -> 2;
            case 16 -> 3;
            case 19 -> 4;
            default -> throw new IllegalArgumentException("there is no VGG with " + depth + " layers; there are 11, 13, 16 and 19");
        };
        int early = depth == 11 ? 1 : 2;
        List<Integer> plan = new ArrayList<>();
        int[] planes = {64, 128, 256, 512, 512};
        for (int stage = 0; stage < planes.length; stage++) {
            for (int i = 0; i < (stage < 2 ? early : repeats); i++) {
                plan.add(planes[stage]);
            }
            plan.add(POOL);
        }
        return plan;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return classifier.forward(tape, flatten.forward(tape, features.forward(tape, x)));
    }
}
