package dev.normlab.nn.data;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;

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

    /// This batch with copies of its last image up to a size.
    ///
    /// @throws IllegalArgumentException if it has more images, or none
    public Batch paddedTo(int size) {
        if (size() == 0 || size() > size) {
            throw new IllegalArgumentException(
                    "a batch of 1 to " + size + " images can be padded to " + size + ", but this one has " + size());
        }
        float[] moreImages = Arrays.copyOf(images, size * shape.values());
        int[] moreLabels = Arrays.copyOf(labels, size);
        int[] moreIndices = Arrays.copyOf(indices, size);
        for (int i = size(); i < size; i++) {
            System.arraycopy(images, (size() - 1) * shape.values(), moreImages, i * shape.values(), shape.values());
            moreLabels[i] = labels[size() - 1];
            moreIndices[i] = indices[size() - 1];
        }
        return new Batch(shape, moreImages, moreLabels, moreIndices);
    }
}
