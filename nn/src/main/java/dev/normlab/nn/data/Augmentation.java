package dev.normlab.nn.data;

import dev.normlab.engine.tensor.RandomStream;

/// A random variation of training images.
@FunctionalInterface
public interface Augmentation {

    /// Writes a variation of an image.
    ///
    /// @param image the image, `[c, h, w]`, not modified
    /// @param stream everything random comes from here; [BatchLoader] gives every image of every epoch a stream of its own, so that an
    ///     image's variation never depends on its batch or on a thread
    /// @param target receives the varied image, every value of it
    /// @param offset where in `target` it starts
    void apply(float[] image, ImageShape shape, RandomStream stream, float[] target, int offset);

    /// A crop after padding with 4 zeros on every side and a flip of half of the images, as customary for CIFAR.
    static Augmentation cropAndFlip() {
        return new CropAndFlip(4, true);
    }
}
