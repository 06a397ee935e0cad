package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How much memory the programs of this process may take on a device: what `-Dtornado.device.memory` says, TornadoVM's own limit.
///
/// Asked before TornadoVM is: it refuses an array that is too large for the limit, but with several arrays it was seen to go on with one
/// that it had not got, and the driver ended the process.
final class MemoryLimit {

    private static final String OPTION = "tornado.device.memory";
    private static final String UNLESS_SAID = "4GB";
    private static final Pattern SIZE = Pattern.compile("(\\d+) *([KMG]?)B?", Pattern.CASE_INSENSITIVE);
    private static final int KILO = 10, MEGA = 20, GIGA = 30;
    private static final double MEBIBYTE = 1 << MEGA;

    private final long limit;
    private long taken;

    /// @param limit bytes
    MemoryLimit(long limit) {
        this.limit = limit;
    }

    /// The limit of this process.
    static MemoryLimit ofTheProcess() {
        return new MemoryLimit(bytes(System.getProperty(OPTION, UNLESS_SAID)));
    }

    /// The bytes of `4GB` or `512MB`; without a limit if TornadoVM has to make sense of it.
    static long bytes(String text) {
        Matcher size = SIZE.matcher(text.strip());
        if (!size.matches()) {
            return Long.MAX_VALUE;
        }
        int shift = switch (size.group(2).toUpperCase(Locale.ROOT)) {
            case "K" -> KILO;
            case "M" -> MEGA;
            case "G" -> GIGA;
            default -> 0;
        };
        return Long.parseLong(size.group(1)) << shift;
    }

    /// Takes memory for a program.
    ///
    /// @throws AcceleratorException if the limit does not allow it, with what it needs and what to do
    synchronized void take(long bytes) {
        if (bytes > limit - taken) {
            throw new AcceleratorException(String.format(Locale.ROOT,
                    "the program needs %.1f MiB on the device, where this process may take %.1f MiB and has taken %.1f MiB; use a smaller batch, "
                            + "or raise the limit with NORMLAB_JAVA_OPTS=-D%s=16GB (4 GiB unless said) up to what the device has",
                    bytes / MEBIBYTE, limit / MEBIBYTE, taken / MEBIBYTE, OPTION));
        }
        taken += bytes;
    }

    /// Fails where a device does not give so much in one piece, which on many is a quarter of all that it has.
    ///
    /// @param bytes   of the largest array
    /// @param largest what the device gives at most; 0 or less if it does not say
    /// @throws AcceleratorException with both and what to do
    static void requirePiece(long bytes, long largest) {
        if (largest > 0 && bytes >= largest) {
            throw new AcceleratorException(String.format(Locale.ROOT,
                    "the program needs %.1f MiB on the device in one piece, which gives less than %.1f MiB at a time, whatever the limit of memory is; "
                            + "use a smaller batch",
                    bytes / MEBIBYTE, largest / MEBIBYTE));
        }
    }

    /// Gives a program's memory back.
    synchronized void giveBack(long bytes) {
        taken -= bytes;
    }
}
