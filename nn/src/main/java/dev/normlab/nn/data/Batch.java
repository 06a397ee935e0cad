package dev.normlab.nn.data;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;

/// A few images with their labels, ready for a network. The arrays belong to whoever took the batch.
///
/// @param shape the sizes of one image
/// @param images `[n, c, h, w]`, values in [0, 1]
/// @param labels the class of each image, `[n]`
/// @param indices each image's index in its data set, `[n]`
public record Batch(ImageShape shape, float[] images, int[] labels, int[] indices) {

    /// The images as a tensor `[n, c, h, w]` over the same memory.
    public Tensor imageTensor() {
        Shape sizes = Shape.of(size(), shape.channels(), shape.height(), shape.width());
        return Tensor.of(Storage.ofFloats(sizes, Layout.PLAIN, images));
    }

    /// The labels as an int tensor `[n]` over the same memory.
    public Tensor labelTensor() {
        return Tensor.of(Storage.ofInts(Shape.of(size()), labels));
    }

    /// The number of images.
    public int size() {
        return labels.length;
    }
}
