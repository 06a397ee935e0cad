/// Recorded programs on GPUs, through [TornadoVM](https://www.tornadovm.org): kernels in Java, and the compiler from programs to its task
/// graphs.
///
/// Kernels are static methods that TornadoVM translates; `docs/gpu.md` says what they must not contain.
@NullMarked
package dev.normlab.engine.tornado;

import org.jspecify.annotations.NullMarked;
