/// Studies: many training runs that one configuration describes, their plan, and the loop that works through it.
@NullMarked
package dev.normlab.experiments.study;

import org.jspecify.annotations.NullMarked;
