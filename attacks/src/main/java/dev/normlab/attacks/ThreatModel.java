package dev.normlab.attacks;

import java.util.Locale;

/// What an adversary may do to an image: move it by at most `eps` in a norm, within the box [0, 1].
///
/// @param ball the norm that measures the perturbation
/// @param eps  in [0, 1] pixel units for linf; for l2 the length of the whole perturbation
public record ThreatModel(Ball ball, float eps) {

    /// Norms of perturbations.
    public enum Ball {
        /// The largest change of a value.
        LINF,
        /// The Euclidean length.
        L2;

        /// The name on the command line: `linf`, `l2`.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// The ball of a name.
        ///
        /// @throws IllegalArgumentException if there is none
        public static Ball parse(String label) {
            for (Ball ball : values()) {
                if (ball.label().equals(label.toLowerCase(Locale.ROOT))) {
                    return ball;
                }
            }
            throw new IllegalArgumentException("there is no perturbation norm '" + label + "'; known: linf, l2");
        }
    }

    /// @throws IllegalArgumentException if eps is negative, NaN or infinite, or above 1 for linf
    public ThreatModel {
        if (!(eps >= 0 && eps < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("eps is a number of at least 0, but got " + eps);
        }
        if (ball == Ball.LINF && eps > 1) {
            throw new IllegalArgumentException(
                    "eps for linf lies in [0, 1], since pixel values do, but got " + eps + "; did you mean " + eps + "/255?");
        }
    }

    /// The length of a perturbation in this norm, in double precision.
    ///
    /// @param offset where the image starts in both arrays
    public double distance(float[] clean, float[] moved, int offset, int length) {
        double largest = 0;
        double squares = 0;
        for (int i = offset; i < offset + length; i++) {
            double difference = (double) moved[i] - clean[i];
            largest = Math.max(largest, Math.abs(difference));
            squares += difference * difference;
        }
        return ball == Ball.LINF ? largest : Math.sqrt(squares);
    }

    /// Whether a moved image is allowed: within `eps (1 + 1e-6) + 1e-7` of the clean one and within 1e-6 of the box, without NaN. In double precision.
    public boolean allows(float[] clean, float[] moved, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (!(moved[i] >= -1e-6 && moved[i] <= 1 + 1e-6)) {
                return false;
            }
        }
        return distance(clean, moved, offset, length) <= eps * (1 + 1e-6) + 1e-7;
    }

    /// For example `linf 0.031372547`.
    @Override
    public String toString() {
        return ball.label() + " " + eps;
    }
}
