/// Projections of weights onto the sets of layers whose norm is at most a radius.
@NullMarked
package dev.normlab.lip.projection;

import org.jspecify.annotations.NullMarked;
