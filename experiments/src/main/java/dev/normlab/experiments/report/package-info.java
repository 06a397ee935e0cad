/// Self-contained HTML reports: pages of text, tables and figures, and the report that compares training runs.
@NullMarked
package dev.normlab.experiments.report;

import org.jspecify.annotations.NullMarked;
