/// Optimisers as recordable operations, and schedules of the learning rate.
@NullMarked
package dev.normlab.nn.optim;

import org.jspecify.annotations.NullMarked;
