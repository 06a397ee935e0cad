/// The command line: options, messages, exit codes. What commands do is in `run`.
@NullMarked
package dev.normlab.experiments.cli;

import org.jspecify.annotations.NullMarked;
