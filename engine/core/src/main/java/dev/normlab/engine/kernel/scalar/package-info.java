/// The reference backend: every kernel as the loops that define it, written to be read, and the judge of all faster backends.
///
/// Sums run in double precision in a fixed order and are rounded to float once; work is cut into chunks that depend on the sizes alone. So
/// a result does not depend on the number of threads, nor on whether the code is interpreted or compiled.
@NullMarked
package dev.normlab.engine.kernel.scalar;

import org.jspecify.annotations.NullMarked;
