/// Run folders: the files of one training run and their JSON formats.
@NullMarked
package dev.normlab.experiments.store;

import org.jspecify.annotations.NullMarked;
