package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.GemmSizes;

/// How a matrix product is cut: the columns of `c` into pieces that one tile covers, and the `k` terms of every sum into segments.
///
/// There are as few pieces as the registers allow, of nearly the same width: five vectors of columns are done by three and two, not by four
/// and one. The packed `b` is `[segment][piece][k in the segment][vectors * V]`; a segment of a piece stays in the second-level cache, one
/// of six rows in the first-level one.
record MatrixPieces(int columns, int terms) {

    /// Terms of a segment.
    static final int SEGMENT = 1024;

    static MatrixPieces of(GemmSizes s) {
        return new MatrixPieces(s.n(), s.k());
    }

    /// Vectors that hold all columns.
    int vectors() {
        return Lanes.blocks(columns);
    }

    /// The number of pieces.
    int count() {
        return (vectors() + TileProducts.MAX_VECTORS - 1) / TileProducts.MAX_VECTORS;
    }

    /// The first vector of a piece.
    int firstVector(int piece) {
        return piece * (vectors() / count()) + Math.min(piece, vectors() % count());
    }

    /// Vectors of a piece.
    int vectors(int piece) {
        return firstVector(piece + 1) - firstVector(piece);
    }

    /// Columns of a piece that exist.
    int width(int piece) {
        return Math.min(vectors(piece) * V, columns - firstVector(piece) * V);
    }

    /// The number of segments.
    int segments() {
        return (terms + SEGMENT - 1) / SEGMENT;
    }

    /// Terms of a segment.
    int length(int segment) {
        return Math.min(SEGMENT, terms - segment * SEGMENT);
    }

    /// Where a segment of a piece lies in the packed `b`.
    int packedAt(int segment, int piece) {
        return (segment * SEGMENT * vectors() + firstVector(piece) * length(segment)) * V;
    }
}
