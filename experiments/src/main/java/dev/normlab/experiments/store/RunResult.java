package dev.normlab.experiments.store;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What came out at the end of a run: the content of `result.json`.
///
/// @param status how the run ended
/// @param message one sentence about a run that did not finish, such as the first layer that diverged; or what a reader must know about one
///                that did; else empty
/// @param epochs the number of completed epochs
/// @param seconds the time of the run, in seconds
/// @param clean the final accuracy on the test set, or null if it was not measured
/// @param attacks the accuracy under attacks, in the order in which they ran; may be empty
public record RunResult(Status status, String message, int epochs, double seconds, @Nullable Score clean, List<AttackScore> attacks) {

    /// Copies the list.
    public RunResult {
        attacks = List.copyOf(attacks);
    }

    /// This result with more attacks; one of the same name, norm, size and number of images takes the place of an earlier one.
    public RunResult with(List<AttackScore> more) {
        List<AttackScore> all = new ArrayList<>(attacks);
        for (AttackScore score : more) {
            int same = -1;
            for (int i = 0; i < all.size(); i++) {
                same = all.get(i).isRepeatedBy(score) ? i : same;
            }
            if (same >= 0) {
                all.set(same, score);
            } else {
                all.add(score);
            }
        }
        return new RunResult(status, message, epochs, seconds, clean, all);
    }

    /// How a run ended.
    public enum Status {

        /// All epochs were trained.
        @JsonProperty("finished") FINISHED,
        /// The user stopped it; it can be resumed.
        @JsonProperty("interrupted") INTERRUPTED,
        /// A loss, norm or parameter was NaN or infinite.
        @JsonProperty("diverged") DIVERGED
    }

    /// An accuracy on n images.
    ///
    /// @param n the number of images, at least 1
    /// @param correct how many were classified correctly
    /// @param accuracy correct / n
    /// @param loss the mean loss, NaN if it was not measured
    public record Score(long n, long correct, double accuracy, double loss) {

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if the counts are impossible or the accuracy is not their ratio
        public Score {
            check(n, correct, accuracy);
        }

        /// The score of counted images.
        public static Score of(long n, long correct, double loss) {
            return new Score(n, correct, (double) correct / n, loss);
        }
    }

    /// The accuracy under an attack.
    ///
    /// @param name the attack with its number of steps and restarts where it has them, for example `pgd-20`; or [#CERTIFIED] for a proof
    ///     instead of an attack: `correct` images that no perturbation of this size can change
    /// @param norm the norm of the perturbation: `linf`, `l2` or `l1`
    /// @param eps the size of the perturbation, in [0, 1] pixel units
    /// @param n the number of attacked images, at least 1; images that were wrong before the attack count
    /// @param correct how many were still classified correctly
    /// @param robustAccuracy correct / n
    /// @param seconds the time of the attack, in seconds
    public record AttackScore(String name, String norm, double eps, long n, long correct, double robustAccuracy, double seconds) {

        /// The name of scores that are proven.
        public static final String CERTIFIED = "certified";

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if the counts are impossible or the accuracy is not their ratio
        public AttackScore {
            check(n, correct, robustAccuracy);
        }

        /// Whether another score is of the same attack on as many images.
        boolean isRepeatedBy(AttackScore other) {
            return name.equals(other.name) && norm.equals(other.norm) && eps == other.eps && n == other.n;
        }

        /// The score of counted images.
        public static AttackScore of(String name, String norm, double eps, long n, long correct, double seconds) {
            return new AttackScore(name, norm, eps, n, correct, (double) correct / n, seconds);
        }
    }

    private static void check(long n, long correct, double accuracy) {
        if (n < 1 || correct < 0 || correct > n || !(Math.abs(accuracy - (double) correct / n) < 1e-9)) {
            throw new IllegalArgumentException("expected 0 <= correct <= n, n >= 1 and accuracy = correct / n, but got n = " + n
                    + ", correct = "
                    + correct + ", accuracy = " + accuracy);
        }
    }
}
