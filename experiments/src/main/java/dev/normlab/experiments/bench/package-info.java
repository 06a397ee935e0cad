/// Measuring this machine and the kernels on it, each in the same run as its yardstick.
@NullMarked
package dev.normlab.experiments.bench;

import org.jspecify.annotations.NullMarked;
