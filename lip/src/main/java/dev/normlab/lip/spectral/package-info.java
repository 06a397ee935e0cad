/// Singular values of layers: Fourier transforms, spectra of convolutions, largest singular values, guaranteed bounds, and clipping.
@NullMarked
package dev.normlab.lip.spectral;

import org.jspecify.annotations.NullMarked;
