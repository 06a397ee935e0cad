package dev.normlab.lip.spectral;

import java.util.Locale;
import org.ejml.data.ZMatrixRMaj;

/// The ways to a complex singular value decomposition.
public enum SvdMethod implements ComplexSvd {
    /// Our own one-sided Jacobi rotations: the most accurate one, also for small singular values.
    JACOBI(new JacobiSvd()),
    /// EJML's real decomposition of the embedding `[[R, -I], [I, R]]`.
    EJML(new EmbeddingSvd()),
    /// Eigenvalues of the Gram matrix of the smaller side: by far the fastest. Squaring costs accuracy: values below about `1e-7` of the
    /// largest are noise, so that no condition number can be had from it.
    GRAM(new GramSvd());

    private final ComplexSvd svd;

    SvdMethod(ComplexSvd svd) {
        this.svd = svd;
    }

    /// The name on the command line: `jacobi`, `ejml`, `gram`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
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
        throw new IllegalArgumentException("there is no way '" + label + "' to singular values; known: jacobi, ejml, gram");
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
