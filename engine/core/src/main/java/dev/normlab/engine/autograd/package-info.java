/// Reverse-mode differentiation above the kernels: the tape, and one file per operation family with forward beside backward.
@NullMarked
package dev.normlab.engine.autograd;

import org.jspecify.annotations.NullMarked;
