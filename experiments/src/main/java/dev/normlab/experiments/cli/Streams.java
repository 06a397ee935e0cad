package dev.normlab.experiments.cli;

import java.io.PrintStream;

/// Where a command speaks: results to `out`, progress and remarks to `err`.
record Streams(PrintStream out, PrintStream err) {}
