package dev.normlab.experiments.cli;

import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.experiments.run.Progress;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/// Tells how an evaluation goes on: a line when an attack begins and ends, and in between the share that is done, the time that is left and
/// the robust accuracy: on a terminal all the time, else every half minute.
final class AttackProgress implements RobustnessEvaluation.Listener {

    private final Progress progress;
    private final String prefix;
    private final int images;
    private final LongSupplier nanos;
    private long began;
    private double doneAtFirst = -1;

    /// @param prefix of every line, such as the norm and size where there are several
    /// @param images all of them, those that are wrong without an attack included
    /// @param nanos  the time in nanoseconds, from any moment on
    AttackProgress(Progress progress, String prefix, int images, LongSupplier nanos) {
        this.progress = progress;
        this.prefix = prefix;
        this.images = images;
        this.nanos = nanos;
    }

    @Override
    public void attack(String name, int count, Optional<RobustnessResult.AttackResult> result) {
        doneAtFirst = -1;
        progress.line(result.isEmpty()
                ? prefix + name + " attacks " + count + " images ..."
                : String.format(Locale.ROOT, "%s%s fooled %d of %d in %s", prefix, name, result.get().fooled(), count,
                        Progress.duration(result.get().seconds())));
    }

    @Override
    public void progress(String name, double done, int robust) {
        if (doneAtFirst < 0) {
            doneAtFirst = done;
            began = nanos.getAsLong();
        }
        double worked = done - doneAtFirst;
        String left = worked > 0 ? ", " + Progress.duration((nanos.getAsLong() - began) / 1e9 * (1 - done) / worked) + " left" : "";
        progress.news(
                String.format(Locale.ROOT, "%s%s %.0f%%%s, robust so far %.1f%%", prefix, name, 100 * done, left, 100.0 * robust / images));
    }
}
