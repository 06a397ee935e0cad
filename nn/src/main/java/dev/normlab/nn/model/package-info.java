/// The reference's CNNs for CIFAR-sized images, by name, and their summaries.
@NullMarked
package dev.normlab.nn.model;

import org.jspecify.annotations.NullMarked;
