package dev.normlab.attacks;

import java.util.List;

/// What a robustness evaluation found.
///
/// @param n               images, those that the model gets wrong without an attack included
/// @param cleanCorrect    images that the model gets right without an attack
/// @param robustCorrect   images that it gets right under all attacks
/// @param attacks         in the order in which they ran
/// @param adversarial     `[n, c, h, w]` row-major: for a fooled image the point that fools, bitwise the clean image for all others
/// @param labels          true classes
/// @param predictions     classes of the images in `adversarial`
/// @param fooledBy        index into `attacks` of the first attack that fooled an image; [#ROBUST] or [#CLEAN_ERROR] otherwise
/// @param distances       length of each image's perturbation in the threat model's norm, in double precision
/// @param rejected        points that an attack offered but that were not allowed on checking again; 0 for correct attacks
/// @param rechecks        how firmly the adversarial images fool
/// @param warnings        sentences about what may make the numbers look better than they are
public record RobustnessResult(int n, int cleanCorrect, int robustCorrect, List<AttackResult> attacks, float[] adversarial, int[] labels,
        int[] predictions, int[] fooledBy, double[] distances, int rejected, Rechecks rechecks, List<String> warnings) {

    /// No attack fooled the image.
    public static final int ROBUST = -1;
    /// The model gets the clean image wrong.
    public static final int CLEAN_ERROR = -2;

    /// What one attack did.
    ///
    /// @param attacked       images it was given
    /// @param fooled         how many of them it fooled
    /// @param robustCorrect  images still right after it (in individual mode: under it alone)
    /// @param forwardPasses  of single images
    /// @param backwardPasses of single images
    /// @param zeroGradients  images whose gradient was zero everywhere where a run began; each counts once, in however many restarts,
    ///     targets and radii that happened
    /// @param unconfirmed    images that it took for fooled, but that are right on classifying them again; 0 for models that give the same
    ///     finite outputs for the same image
    /// @param exactLoss      whether it ran with its own loss, for which some models have too few classes
    public record AttackResult(String name, int attacked, int fooled, int robustCorrect, double seconds, long forwardPasses,
            long backwardPasses, int zeroGradients, int unconfirmed, boolean exactLoss) {}

    /// The share of images that the model gets right without an attack.
    public double cleanAccuracy() {
        return cleanCorrect / (double) n;
    }

    /// The share of images that it gets right under all attacks.
    public double robustAccuracy() {
        return robustCorrect / (double) n;
    }
}
