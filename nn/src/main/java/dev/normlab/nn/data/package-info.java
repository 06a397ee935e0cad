/// Labelled images: where they come from, how they are varied, and how they become batches.
@NullMarked
package dev.normlab.nn.data;

import org.jspecify.annotations.NullMarked;
