/// Tools of the tests: the contract that every backend passes, gradient checks, and the reader of golden files made with PyTorch.
@NullMarked
package dev.normlab.testkit;

import org.jspecify.annotations.NullMarked;
