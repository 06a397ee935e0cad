/// Checks of a device from single operations to a short training and an attack, beside the CPU.
@NullMarked
package dev.normlab.experiments.selftest;

import org.jspecify.annotations.NullMarked;
