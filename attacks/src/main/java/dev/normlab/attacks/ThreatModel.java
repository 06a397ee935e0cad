package dev.normlab.attacks;

import dev.normlab.engine.kernel.BallProjection;
import java.util.Locale;

/// What an adversary may do to an image: move it by at most `eps` in a norm, within the box [0, 1].
///
/// @param ball the norm that measures the perturbation
/// @param eps  in [0, 1] pixel units for linf; for l2 and l1 the length of the whole perturbation
public record ThreatModel(Ball ball, float eps) {

    /// Norms of perturbations.
    public enum Ball {
        /// The largest change of a value.
        LINF,
        /// The Euclidean length.
        L2,
        /// The sum of the absolute changes.
        L1;

        /// The name on the command line: `linf`, `l2`, `l1`.
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// Brings a moved image back into the ball of this radius around the clean one and the box, as [BallProjection] does.
        void project(double eps, float[] clean, float[] moved, int offset, int length) {
            switch (this) {
                case LINF -> BallProjection.linf(eps, clean, moved, offset, length);
                case L2 -> BallProjection.l2(eps, clean, moved, offset, length);
                case L1 -> BallProjection.l1(eps, clean, moved, offset, length);
            }
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
            throw new IllegalArgumentException("there is no perturbation norm '" + label + "'; known: linf, l2, l1");
        }
    }

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if eps is negative, NaN or infinite, or above 1 for linf
    public ThreatModel {
        if (!(eps >= 0 && eps < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("eps is a number of at least 0 and not infinite, but got " + eps);
        }
        if (ball == Ball.LINF && eps > 1) {
            throw new IllegalArgumentException(
                    "eps for linf lies in [0, 1], since pixel values do, but got " + eps
                            + (eps <= 255 && eps == Math.rint(eps) ? "; did you mean " + eps + "/255?" : ""));
        }
    }

    /// The length of a perturbation in this norm, in double precision.
    ///
    /// @param offset where the image starts in both arrays
    public double distance(float[] clean, float[] moved, int offset, int length) {
        return distance(clean, offset, moved, offset, length);
    }

    /// As above for images at different places.
    double distance(float[] clean, int cleanOffset, float[] moved, int movedOffset, int length) {
        double largest = 0;
        double squares = 0;
        double sum = 0;
        for (int i = 0; i < length; i++) {
            double difference = Math.abs((double) moved[movedOffset + i] - clean[cleanOffset + i]);
            largest = Math.max(largest, difference);
            squares += difference * difference;
            sum += difference;
        }
        return switch (ball) {
            case LINF -> largest;
            case L2 -> Math.sqrt(squares);
            case L1 -> sum;
        };
    }

    /// Whether a moved image is allowed: within `eps (1 + 1e-6) + 1e-7` of the clean one and within 1e-6 of the box, without NaN. In double
    /// precision.
    public boolean allows(float[] clean, float[] moved, int offset, int length) {
        return allows(clean, offset, moved, offset, length);
    }

    /// As above for images at different places.
    boolean allows(float[] clean, int cleanOffset, float[] moved, int movedOffset, int length) {
        for (int i = movedOffset; i < movedOffset + length; i++) {
            if (!(moved[i] >= -1e-6 && moved[i] <= 1 + 1e-6)) {
                return false;
            }
        }
        return distance(clean, cleanOffset, moved, movedOffset, length) <= eps * (1 + 1e-6) + 1e-7;
    }

    /// For example `linf 0.031372547`.
    @Override
    public String toString() {
        return ball.label() + " " + eps;
    }
}
