/// Norms of every layer over a training, with accuracy and loss beside them.
@NullMarked
package dev.normlab.lip.record;

import org.jspecify.annotations.NullMarked;
