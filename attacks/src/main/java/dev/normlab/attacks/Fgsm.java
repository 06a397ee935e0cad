package dev.normlab.attacks;

/// The fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): one step of length eps along the gradient's sign (linf) or unit vector (l2),
/// then into the box. The moved image is the result whether or not it fools the model.
public final class Fgsm implements Attack {

    @Override
    public String name() {
        return "fgsm";
    }

    @Override
    public void run(Victim victim, ThreatModel threat, Points points, long seed) {
        int length = victim.imageLength();
        try (PgdProgram program = new PgdProgram(victim, threat.ball(), false)) {
            for (int first = 0; first < points.count(); first += victim.batchSize()) {
                int count = Math.min(victim.batchSize(), points.count() - first);
                float[] clean = new float[victim.batch().elements()];
                int[] labels = new int[victim.batchSize()];
                for (int i = 0; i < labels.length; i++) {
                    int point = first + Math.min(i, count - 1);
                    points.clean(point, clean, i * length);
                    labels[i] = points.label(point);
                }
                program.start(clean, clean, labels, threat.eps(), threat.eps());
                program.step();
                float[] moved = program.iterate();
                int[] predictions = victim.predict(moved);
                points.countPasses(2L * count, count);
                for (int i = 0; i < count; i++) {
                    points.move(first + i, moved, i * length, predictions[i] != labels[i]);
                }
            }
        }
    }
}
