package dev.normlab.nn.layer;

/// Height and width of an image or a feature map, in pixels.
public record ImageSize(int h, int w) {

    /// For example `32x32`.
    @Override
    public String toString() {
        return h + "x" + w;
    }
}
