/// What a training step minimises.
@NullMarked
package dev.normlab.nn.loss;

import org.jspecify.annotations.NullMarked;
