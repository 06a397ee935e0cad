/// Figures as immutable descriptions that render to accessible, deterministic SVG text.
@NullMarked
package dev.normlab.experiments.plot;

import org.jspecify.annotations.NullMarked;
