package dev.normlab.lip.spectral;

import java.util.Arrays;
import org.ejml.data.DMatrixRMaj;
import org.ejml.data.ZMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/// EJML's real singular value decomposition of the embedding `[[R, -I], [I, R]]` of `R + iI`.
///
/// Every singular value of the matrix occurs twice in the embedding. The clipped embedding is the embedding of the clipped matrix, because
/// clipping is a function of the matrix that does not depend on the choice of singular vectors: the doubled values need no pairing.
final class EmbeddingSvd implements ComplexSvd {

    @Override
    public double[] singularValues(ZMatrixRMaj a) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = decompose(embedding(a), false);
        double[] doubled = Arrays.copyOf(svd.getSingularValues(), svd.numberOfSingularValues());
        Arrays.sort(doubled);
        double[] values = new double[doubled.length / 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = doubled[doubled.length - 1 - 2 * i];
        }
        return values;
    }

    @Override
    public ZMatrixRMaj clip(ZMatrixRMaj a, double limit) {
        DMatrixRMaj embedding = embedding(a);
        SingularValueDecomposition_F64<DMatrixRMaj> svd = decompose(embedding, true);
        DMatrixRMaj u = svd.getU(null, false);
        DMatrixRMaj vt = svd.getV(null, true);
        double[] values = svd.getSingularValues();
        for (int i = 0; i < u.numRows; i++) {
            for (int j = 0; j < u.numCols; j++) {
                u.set(i, j, u.get(i, j) * Math.min(values[j], limit));
            }
        }
        DMatrixRMaj clipped = new DMatrixRMaj(embedding.numRows, embedding.numCols);
        CommonOps_DDRM.mult(u, vt, clipped);
        ZMatrixRMaj result = new ZMatrixRMaj(a.numRows, a.numCols);
        for (int i = 0; i < a.numRows; i++) {
            for (int j = 0; j < a.numCols; j++) {
                result.set(i, j, clipped.get(i, j), clipped.get(a.numRows + i, j));
            }
        }
        return result;
    }

    private static SingularValueDecomposition_F64<DMatrixRMaj> decompose(DMatrixRMaj embedding, boolean vectors) {
        SingularValueDecomposition_F64<DMatrixRMaj> svd = DecompositionFactory_DDRM.svd(embedding.numRows, embedding.numCols, vectors,
                vectors, true);
        if (!svd.decompose(embedding.copy())) {
            throw new ArithmeticException("EJML's singular value decomposition did not converge; does the matrix contain NaN or infinity?");
        }
        return svd;
    }

    private static DMatrixRMaj embedding(ZMatrixRMaj a) {
        DMatrixRMaj embedding = new DMatrixRMaj(2 * a.numRows, 2 * a.numCols);
        for (int i = 0; i < a.numRows; i++) {
            for (int j = 0; j < a.numCols; j++) {
                embedding.set(i, j, a.getReal(i, j));
                embedding.set(a.numRows + i, a.numCols + j, a.getReal(i, j));
                embedding.set(i, a.numCols + j, -a.getImag(i, j));
                embedding.set(a.numRows + i, j, a.getImag(i, j));
            }
        }
        return embedding;
    }
}
