/// How parameters get their first values.
@NullMarked
package dev.normlab.nn.init;

import org.jspecify.annotations.NullMarked;
