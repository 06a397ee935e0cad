package dev.normlab.lip.spectral;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.ejml.data.ZMatrixRMaj;

/// The ways to a complex singular value decomposition, or to singular values only ([#clips]).
public enum SvdMethod implements ComplexSvd {
    /// Our own one-sided Jacobi rotations: the most accurate one, also for small singular values.
    JACOBI(new JacobiSvd()),
    /// EJML's real decomposition of the embedding `[[R, -I], [I, R]]`.
    EJML(new EmbeddingSvd()),
    /// Eigenvalues of the Gram matrix of the smaller side: by far the fastest. Squaring costs accuracy: values below about `1e-7` of the
    /// largest are noise, so that no condition number can be had from it.
    GRAM(new GramSvd()),
    /// Singular values only: eigenvalues of the Gram matrix, which EJML reduces to a tridiagonal one. As accurate as [#GRAM], and a check
    /// of it.
    EJML_VALUES(new EjmlTridiagonal());

    private static final double GRAM_NOISE = 1e-7;

    private final ComplexSvd svd;

    SvdMethod(ComplexSvd svd) {
        this.svd = svd;
    }

    /// The name on the command line: `jacobi`, `ejml`, `gram`, `ejml-values`.
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /// Whether there are singular vectors, without which [#clip] cannot work.
    public boolean clips() {
        return this != EJML_VALUES;
    }

    /// Singular values below this share of the largest are noise, or 0.
    public double noise() {
        return this == GRAM || this == EJML_VALUES ? GRAM_NOISE : 0;
    }

    /// The method of a name.
    ///
    /// @throws IllegalArgumentException if there is none
    public static SvdMethod parse(String label) {
        for (SvdMethod method : values()) {
            if (method.label().equals(label.toLowerCase(Locale.ROOT))) {
                return method;
            }
        }
        throw new IllegalArgumentException("there is no way '" + label + "' to singular values; known: "
                + Arrays.stream(values()).map(SvdMethod::label).collect(Collectors.joining(", ")));
    }

    @Override
    public double[] singularValues(ZMatrixRMaj a) {
        return svd.singularValues(a);
    }

    @Override
    public ZMatrixRMaj clip(ZMatrixRMaj a, double limit) {
        return svd.clip(a, limit);
    }

    @Override
    public double[] singularValues(ComplexMatrix a) {
        return svd.singularValues(a);
    }

    @Override
    public ComplexMatrix clip(ComplexMatrix a, double limit) {
        return svd.clip(a, limit);
    }
}
