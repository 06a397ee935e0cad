/// The seam between mathematics and machine: sizes of operations, the kernels every backend implements, workers, scratch memory and
/// devices.
@NullMarked
package dev.normlab.engine.kernel;

import org.jspecify.annotations.NullMarked;
