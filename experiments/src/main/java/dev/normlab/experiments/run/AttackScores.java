package dev.normlab.experiments.run;

import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.experiments.store.RunResult.AttackScore;
import java.util.ArrayList;
import java.util.List;

/// What a robustness evaluation adds to the result of a run folder.
public final class AttackScores {

    private AttackScores() {}

    /// The scores of an evaluation.
    ///
    /// Attacks that see only the survivors of those before them count as one, named `fgsm + pgd-20`; attacks that see all images count one
    /// by one, and together if there are several.
    ///
    /// @param labels     of the attacks of the result, with their numbers of steps, for example `pgd-20`
    /// @param together   what all attacks of the evaluation are called together
    /// @param individual whether every attack saw all images
    public static List<AttackScore> of(List<String> labels, String together, ThreatModel threat, RobustnessResult result,
            boolean individual) {
        List<AttackScore> scores = new ArrayList<>();
        double seconds = 0;
        for (int a = 0; a < result.attacks().size(); a++) {
            RobustnessResult.AttackResult attack = result.attacks().get(a);
            seconds += attack.seconds();
            if (individual && result.attacks().size() > 1) {
                scores.add(score(labels.get(a), threat, result.n(), attack.robustCorrect(), attack.seconds()));
            }
        }
        scores.add(score(together, threat, result.n(), result.robustCorrect(), seconds));
        return scores;
    }

    /// What a certificate adds: how many images it covers at the size of the threat model, and at its own median radius, where it covers
    /// about half of those that have a radius.
    ///
    /// @param seconds that the certificate took
    public static List<AttackScore> certified(ThreatModel threat, Certification certificate, int n, double seconds) {
        List<AttackScore> scores = new ArrayList<>();
        double below = Math.nextDown(certificate.medianRadius(threat.ball()));
        for (double eps : below > 0 && Double.isFinite(below) ? new double[] {threat.eps(), below} : new double[] {threat.eps()}) {
            scores.add(AttackScore.of(AttackScore.CERTIFIED, threat.ball().label(), eps, n, certificate.certified(threat.ball(), eps),
                    seconds));
        }
        return scores;
    }

    private static AttackScore score(String label, ThreatModel threat, int n, int correct, double seconds) {
        return AttackScore.of(label, threat.ball().label(), threat.eps(), n, correct, seconds);
    }
}
