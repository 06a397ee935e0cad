/// Small statistics of experiments: proportions with Wilson intervals, quantiles, kernel density estimates.
@NullMarked
package dev.normlab.experiments.stats;

import org.jspecify.annotations.NullMarked;
