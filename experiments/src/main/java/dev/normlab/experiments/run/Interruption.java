package dev.normlab.experiments.run;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Lets work that can be stopped end in an orderly way when the user presses Ctrl-C or the system asks the process to end.
///
/// While it is open, a signal calls `stop` and then waits until the work has ended and closed this; the JVM then ends with the signal's
/// exit code (130 for Ctrl-C).
public final class Interruption implements AutoCloseable {

    private static final long PATIENCE_SECONDS = 120;

    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean requested;

    private Interruption(Runnable stop) {
        hook = new Thread(() -> {
            requested = true;
            stop.run();
            try {
                ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "interruption");
    }

    /// From now on a signal calls `stop`; at once if one came before, so that the JVM is ending already.
    public static Interruption handle(Runnable stop) {
        Interruption interruption = new Interruption(stop);
        try {
            Runtime.getRuntime().addShutdownHook(interruption.hook);
        } catch (IllegalStateException e) {
            interruption.requested = true;
            stop.run();
        }
        return interruption;
    }

    /// Whether a signal has come.
    public boolean requested() {
        return requested;
    }

    /// The work has ended: its last words have been said.
    @Override
    public void close() {
        ended.countDown();
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // the JVM is ending already, and the hook with it
            }
        }
    }
}
