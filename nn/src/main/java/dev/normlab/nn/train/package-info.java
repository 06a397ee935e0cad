/// Training: steps as recorded programs, hooks in a fixed order, the trainer with its events and checkpoints, evaluation.
@NullMarked
package dev.normlab.nn.train;

import org.jspecify.annotations.NullMarked;
