/// Adversarial attacks and the robust accuracy they leave.
///
/// Images are `[n, c, h, w]` with values in [0, 1]; a model normalises inside. Every image has random streams of its own, so that batch
/// size, order and threads never change a result.
@NullMarked
package dev.normlab.attacks;

import org.jspecify.annotations.NullMarked;
