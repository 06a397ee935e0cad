/// What comes out of a study: means with intervals over seeds, tables, figures and one page.
@NullMarked
package dev.normlab.experiments.study.report;

import org.jspecify.annotations.NullMarked;
