/// Programs of one's own on the library, as the README shows them.
@NullMarked
package dev.normlab.examples;

import org.jspecify.annotations.NullMarked;
