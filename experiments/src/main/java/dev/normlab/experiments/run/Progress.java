package dev.normlab.experiments.run;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Tells people how far work is: one line that is rewritten on a terminal, plain lines in a pipe.
public final class Progress {

    private static final long REWRITE_NANOS = 150_000_000L;
    private static final long HEARTBEAT_NANOS = 60_000_000_000L;
    private static final long NEWS_NANOS = 30_000_000_000L;
    private static final int WIDTH = 110;

    private final PrintStream out;
    private final boolean terminal;
    private final boolean quiet;
    private final @Nullable Part part;
    private final LongSupplier nanos;
    private long lastRewrite;
    private long lastNews;
    private int shown;

    /// What a progress that is part of another one does with its words.
    ///
    /// @param whole  the progress that it is part of
    /// @param prefix of passing states
    /// @param stays  whether lines stay; else they pass
    /// @param log    hears lines as well
    private record Part(Progress whole, Supplier<String> prefix, boolean stays, Consumer<String> log) {}

    /// Progress of a command.
    ///
    /// @param out      where to tell
    /// @param terminal whether lines can be rewritten there
    /// @param quiet    whether to say nothing
    public Progress(PrintStream out, boolean terminal, boolean quiet) {
        this(out, terminal, quiet, System::nanoTime);
    }

    /// As above with another clock.
    ///
    /// @param nanos the time in nanoseconds, from any moment on
    public Progress(PrintStream out, boolean terminal, boolean quiet, LongSupplier nanos) {
        this(out, terminal, quiet, nanos, null);
    }

    private Progress(PrintStream out, boolean terminal, boolean quiet, LongSupplier nanos, @Nullable Part part) {
        this.out = out;
        this.terminal = terminal;
        this.quiet = quiet;
        this.part = part;
        this.nanos = nanos;
        this.lastRewrite = nanos.getAsLong() - REWRITE_NANOS;
        this.lastNews = nanos.getAsLong();
    }

    /// A progress that tells the same, and every line to a log as well.
    public Progress loggedTo(Consumer<String> log) {
        return new Progress(out, terminal, quiet, nanos, new Part(this, () -> "", true, log));
    }

    /// The progress of one of many pieces of work: all its words pass. In a pipe one of them becomes a line when a minute has gone by.
    ///
    /// @param prefix says which piece it is, and how far the whole is
    public Progress ofPiece(Supplier<String> prefix) {
        return new Progress(out, terminal, quiet, nanos, new Part(this, prefix, false, _ -> {
        }));
    }

    /// A passing state: shown on a terminal at most a few times a second, dropped in a pipe.
    public void update(String text) {
        long now = nanos.getAsLong();
        if (part != null) {
            boolean beat = !part.stays && !terminal && now - lastRewrite >= HEARTBEAT_NANOS;
            lastRewrite = beat ? now : lastRewrite;
            if (beat) {
                part.whole.line(part.prefix.get() + text);
            } else {
                part.whole.update(part.prefix.get() + text);
            }
            return;
        }
        if (quiet || !terminal || now - lastRewrite < REWRITE_NANOS) {
            return;
        }
        lastRewrite = now;
        String cut = text.length() > WIDTH ? text.substring(0, WIDTH) : text;
        out.print("\r" + cut + " ".repeat(Math.max(0, shown - cut.length())));
        out.flush();
        shown = cut.length();
    }

    /// A passing state of long work: as [#update], but in a pipe it becomes a line when half a minute has gone by without one.
    public void news(String text) {
        if (part != null && part.stays) {
            part.whole.news(text);
        } else if (part == null && !terminal && nanos.getAsLong() - lastNews >= NEWS_NANOS) {
            line(text);
        } else {
            update(text);
        }
    }

    /// A line that stays.
    public void line(String text) {
        if (part != null) {
            part.log.accept(text);
            if (part.stays) {
                part.whole.line(text);
            } else {
                update(text);
            }
            return;
        }
        if (quiet) {
            return;
        }
        clear();
        lastNews = nanos.getAsLong();
        out.println(text);
        out.flush();
    }

    /// Removes the passing state from the terminal.
    public void clear() {
        if (part != null) {
            part.whole.clear();
            return;
        }
        if (shown > 0) {
            out.print("\r" + " ".repeat(shown) + "\r");
            out.flush();
            shown = 0;
        }
    }

    /// How many threads compute, for people: `1 thread`, `2 threads`.
    public static String threads(int count) {
        return count + (count == 1 ? " thread" : " threads");
    }

    /// A loss for people: `0.5351`, and `9.61e+18` where one has run away.
    public static String loss(double loss) {
        return String.format(Locale.ROOT, Math.abs(loss) < 1e5 ? "%.4f" : "%.2e", loss);
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
