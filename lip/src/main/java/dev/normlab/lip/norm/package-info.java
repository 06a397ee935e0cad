/// Exact induced norms of layers, norm decay, and projections.
@NullMarked
package dev.normlab.lip.norm;

import org.jspecify.annotations.NullMarked;
