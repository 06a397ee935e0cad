/// Upper bounds of whole networks in l1, l2 and linf.
@NullMarked
package dev.normlab.lip.bound;

import org.jspecify.annotations.NullMarked;
