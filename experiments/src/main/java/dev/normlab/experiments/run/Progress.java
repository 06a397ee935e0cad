package dev.normlab.experiments.run;

import java.io.PrintStream;
import java.util.Locale;

/// Tells people how far work is: one line that is rewritten on a terminal, plain lines in a pipe.
public final class Progress {

    private static final long REWRITE_NANOS = 150_000_000L;
    private static final int WIDTH = 110;

    private final PrintStream out;
    private final boolean terminal;
    private final boolean quiet;
    private long lastRewrite;
    private int shown;

    /// @param out      where to tell
    /// @param terminal whether lines can be rewritten there
    /// @param quiet    whether to say nothing
    public Progress(PrintStream out, boolean terminal, boolean quiet) {
        this.out = out;
        this.terminal = terminal;
        this.quiet = quiet;
    }

    /// A passing state: shown on a terminal at most a few times a second, dropped in a pipe.
    public void update(String text) {
        long now = System.nanoTime();
        if (quiet || !terminal || now - lastRewrite < REWRITE_NANOS) {
            return;
        }
        lastRewrite = now;
        String cut = text.length() > WIDTH ? text.substring(0, WIDTH) : text;
        out.print("\r" + cut + " ".repeat(Math.max(0, shown - cut.length())));
        out.flush();
        shown = cut.length();
    }

    /// A line that stays.
    public void line(String text) {
        if (quiet) {
            return;
        }
        clear();
        out.println(text);
        out.flush();
    }

    /// Removes the passing state from the terminal.
    public void clear() {
        if (shown > 0) {
            out.print("\r" + " ".repeat(shown) + "\r");
            out.flush();
            shown = 0;
        }
    }

    /// A duration for people: `4 s`, `2 min 05 s`, `3 h 20 min`.
    public static String duration(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + " s";
        }
        if (whole < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
        }
        return String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
    }
}
