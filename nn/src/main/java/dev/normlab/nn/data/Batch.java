package dev.normlab.nn.data;

/// A few images with their labels, ready for a network. The arrays belong to whoever took the batch.
///
/// @param shape the sizes of one image
/// @param images `[n, c, h, w]`, values in [0, 1]
/// @param labels the class of each image, `[n]`
/// @param indices each image's index in its data set, `[n]`
public record Batch(ImageShape shape, float[] images, int[] labels, int[] indices) {

    /// The number of images.
    public int size() {
        return labels.length;
    }
}
