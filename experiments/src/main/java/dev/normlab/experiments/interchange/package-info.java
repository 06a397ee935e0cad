/// Models in formats of other programs.
@NullMarked
package dev.normlab.experiments.interchange;

import org.jspecify.annotations.NullMarked;
