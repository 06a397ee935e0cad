package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.attacks.RobustnessResult.AttackResult;
import dev.normlab.experiments.run.Progress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What `attack` tells while it works, by a clock that the test winds.
class AttackProgressTest {

    private final ByteArrayOutputStream told = new ByteArrayOutputStream();
    private double seconds;

    private AttackProgress progress(boolean terminal, boolean quiet) {
        PrintStream out = new PrintStream(told, true, StandardCharsets.UTF_8);
        Progress progress = new Progress(out, terminal, quiet, this::nanos);
        return new AttackProgress(progress, "l2 0.5: ", 20, this::nanos);
    }

    private long nanos() {
        return (long) (seconds * 1e9);
    }

    private void at(double second, AttackProgress progress, double done, int robust) {
        seconds = second;
        progress.progress("apgd-ce", done, robust);
    }

    private List<String> lines() {
        return told.toString(StandardCharsets.UTF_8).lines().map(String::strip).toList();
    }

    @Test
    void aPipeGetsALineEveryHalfMinuteWithTheTimeThatIsLeft() {
        AttackProgress progress = progress(false, false);
        progress.attack("apgd-ce", 15, Optional.empty());
        at(2, progress, .02, 15);
        at(20, progress, .11, 13);
        at(29.9, progress, .15, 13);
        at(42, progress, .22, 12);
        at(60, progress, .3, 10);
        at(82, progress, .42, 8);
        seconds = 200;
        progress.attack("apgd-ce", 15, Optional.of(new AttackResult("apgd-ce", 15, 9, 6, 198, 0, 0, 0, 0, true)));
        assertEquals(List.of("l2 0.5: apgd-ce attacks 15 images ...",
                "l2 0.5: apgd-ce 22%, 2 min 36 s left, robust so far 60.0%", // 20% in 40 s since the first word, 78% are left
                "l2 0.5: apgd-ce 42%, 1 min 56 s left, robust so far 40.0%", // 40% in 80 s, 58% are left
                "l2 0.5: apgd-ce fooled 9 of 15 in 3 min 18 s"), lines());
    }

    /// The share that an earlier process did took none of this one's time.
    @Test
    void aResumedAttackIsTimedFromWhereItGoesOn() {
        AttackProgress progress = progress(false, false);
        progress.attack("apgd-ce", 15, Optional.empty());
        at(10, progress, .5, 12);
        at(40, progress, .6, 11);
        assertEquals("l2 0.5: apgd-ce 60%, 2 min 00 s left, robust so far 55.0%", lines().getLast());
    }

    @Test
    void aTerminalIsRewrittenAndQuietIsQuiet() {
        AttackProgress terminal = progress(true, false);
        at(1, terminal, .1, 9);
        at(1.1, terminal, .15, 9);
        at(2, terminal, .2, 8);
        assertEquals("\rl2 0.5: apgd-ce 10%, robust so far 45.0%\rl2 0.5: apgd-ce 20%, 8 s left, robust so far 40.0%",
                told.toString(StandardCharsets.UTF_8).replaceAll(" +(?=\\r|$)", ""));
        told.reset();
        AttackProgress quiet = progress(false, true);
        quiet.attack("apgd-ce", 15, Optional.empty());
        at(100, quiet, .1, 9);
        assertEquals("", told.toString(StandardCharsets.UTF_8));
    }
}
