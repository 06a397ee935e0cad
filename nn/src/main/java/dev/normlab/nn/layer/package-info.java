/// Layers and containers with parameters and buffers under PyTorch's state-dict names.
@NullMarked
package dev.normlab.nn.layer;

import org.jspecify.annotations.NullMarked;
