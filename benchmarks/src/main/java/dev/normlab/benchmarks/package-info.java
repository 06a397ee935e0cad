/// JMH benchmarks of kernels and norms; compiled by every build, run by hand (see `CONTRIBUTING.md`).
@NullMarked
package dev.normlab.benchmarks;

import org.jspecify.annotations.NullMarked;
