/// Files of arrays: safetensors, npy and npz, read with every length checked before it is believed, written atomically.
@NullMarked
package dev.normlab.engine.io;

import org.jspecify.annotations.NullMarked;
