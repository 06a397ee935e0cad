package dev.normlab.engine.kernel;

/// Sizes of adaptive average pooling: input `[n, c, h, w]`, output `[n, c, oh, ow]`; output row `i` averages the input rows
/// `floor(i*h/oh) .. ceil((i+1)*h/oh) - 1`, columns likewise (PyTorch's rule).
public record AdaptivePoolSizes(int n, int c, int h, int w, int oh, int ow) {}
