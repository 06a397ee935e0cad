package dev.normlab.engine.kernel;

/// What computes a convolution.
public enum ConvolutionAlgorithm {

    /// The definition's products.
    DIRECT("direct"),

    /// Winograd's minimal filtering in tiles of 4x4 outputs: 36 products instead of 144.
    WINOGRAD_4("F(4x4,3x3)"),

    /// Winograd's minimal filtering in tiles of 2x2 outputs: 16 products instead of 36.
    WINOGRAD_2("F(2x2,3x3)"),

    /// A 3x3 kernel on a whole padded map of 2x2: 9 products instead of the 16 that meet the image.
    WINOGRAD_MAP_2("map 2x2");

    private final String label;

    ConvolutionAlgorithm(String label) {
        this.label = label;
    }

    /// The name in tables and files.
    @Override
    public String toString() {
        return label;
    }
}
