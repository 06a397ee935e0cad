/// The fast CPU backend, on the Vector API: the only package that imports `jdk.incubator.vector`.
@NullMarked
package dev.normlab.engine.kernel.vector;

import org.jspecify.annotations.NullMarked;
