/// What the commands do: training runs with their folders, weights from files, benchmarks, the quickstart.
@NullMarked
package dev.normlab.experiments.run;

import org.jspecify.annotations.NullMarked;
