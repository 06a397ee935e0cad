package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;

/// What the square attack proposes for one image, in one norm. Images are `[c, h, w]` row-major.
interface SquareMoves {

    /// Writes the first point.
    void start(float[] clean, float[] candidate, RandomStream random);

    /// Writes a change of the best point so far.
    ///
    /// @param share of the pixels that change, about
    void propose(double share, float[] clean, float[] best, float[] candidate, RandomStream random);

    /// The moves of a threat model.
    static SquareMoves of(ThreatModel threat, int channels, int height, int width) {
        return threat.ball() == ThreatModel.Ball.LINF
                ? new StripeMoves(threat.eps(), channels, height, width)
                : new WindowMoves(threat, channels, height, width);
    }
}
