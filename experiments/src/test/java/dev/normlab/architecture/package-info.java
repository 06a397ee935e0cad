/// The house rules as tests: which module may use which, and what no source file may contain.
@NullMarked
package dev.normlab.architecture;

import org.jspecify.annotations.NullMarked;
