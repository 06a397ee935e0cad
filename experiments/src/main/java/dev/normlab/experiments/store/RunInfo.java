package dev.normlab.experiments.store;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a run is, known before it starts: the content of `run.json`.
///
/// @param format always [#FORMAT]
/// @param version the version of the folder's formats, [#VERSION]
/// @param name a short name for figures and tables, for example the method
/// @param command the command line that started the run, without the program's name
/// @param started when it started, an ISO-8601 instant in the file; runs are shown in this order
/// @param model the model specification
/// @param data the data specification
/// @param method the named method
/// @param seed the seed of all random streams
/// @param epochs the number of epochs asked for
/// @param trainImages the number of training images
/// @param testImages the number of test images
/// @param settings everything else that determines the result, as on the command line: `lr`, `batch_size`, ...
/// @param provenance where and with what it ran: program version, Java, processor, kernels, threads, ...
public record RunInfo(String format, int version, String name, String command, Instant started, String model, String data, String method,
        long seed,
        int epochs, long trainImages, long testImages, Map<String, String> settings, Map<String, String> provenance) {

    /// The value of `format`.
    public static final String FORMAT = "normlab-run";
    /// The version of the formats that this program reads and writes.
    public static final int VERSION = 1;

    /// Copies the maps and keeps their order.
    ///
    /// @throws IllegalArgumentException if format or version are others
    public RunInfo {
        if (!format.equals(FORMAT) || version != VERSION) {
            throw new IllegalArgumentException(
                    "expected format " + FORMAT + " version " + VERSION + ", but got " + format + " version " + version);
        }
        settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
        provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
    }
}
