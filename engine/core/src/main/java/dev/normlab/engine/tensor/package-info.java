/// Tensors, shapes, storages and random streams: the nouns of the engine.
@NullMarked
package dev.normlab.engine.tensor;

import org.jspecify.annotations.NullMarked;
