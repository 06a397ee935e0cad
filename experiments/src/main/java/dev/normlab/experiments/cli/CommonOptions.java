package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GpuMath;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.Json;
import dev.normlab.experiments.store.RunFolder;
import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// The options that every command has, and what follows from them: the device, where results and progress go.
final class CommonOptions {

    private static final int MAX_THREADS = 1024;

    /// Behind what is the command's own, in help.
    private static final int LAST = 1000;

    private final Streams streams;

    @Option(names = "--threads", order = LAST + 0, paramLabel = "N",
            description = "Threads to compute with (default: all processors). Changes no result.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--device", order = LAST + 1, paramLabel = "NAME",
            description = "cpu, scalar (slow reference loops), or gpu, gpu:1, .. (through TornadoVM, see docs/gpu.md) (default: cpu).")
    private String device = "cpu";

    @Option(names = "--conv", order = LAST + 2, paramLabel = "MODE",
            description = "exact (default), or fast: convolutions with fewer products and two to four times the rounding error. For weights of a run folder "
                    + "evaluate and attack take the run's.")
    private @Nullable String conv;

    @Option(names = "--gpu-math", order = LAST + 3, paramLabel = "NAME",
            description = "What multiplies matrices on a GPU: own (default: kernels of this project), or on CUDA devices cublas or tf32 (cuBLAS in float32 or "
                    + "with TF32 tensor cores).")
    private @Nullable String gpuMath;

    @Option(names = "--seed", order = LAST + 4, paramLabel = "N", description = "Seed of all random numbers (default: 0).")
    private @Nullable Long seed;

    @Option(names = "--json", order = LAST + 5, paramLabel = "FILE",
            description = "Write the result as JSON to a file; - is the standard output.")
    private @Nullable String json;

    @Option(names = "--quiet", order = LAST + 6, description = "Say nothing but errors and the JSON that was asked for.")
    private boolean quiet;

    @Option(names = {"-h", "--help"}, order = LAST + 7, usageHelp = true, description = "Show this help.")
    @SuppressWarnings("UnusedVariable") // picocli needs the field, nobody reads it
    private boolean help;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    CommonOptions(Streams streams) {
        this.streams = streams;
    }

    /// The whole command line without the program's name; what a shell would split is in quotes.
    String commandLine() {
        return command.root().commandLine().getParseResult().originalArgs().stream()
                .map(word -> word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
    }

    /// The device's name as it was given.
    String deviceName() {
        return device.toLowerCase(Locale.ROOT);
    }

    /// Makes another device than the CPU the default of this command.
    void useDeviceUnlessGiven(String name) {
        if (!isDeviceGiven()) {
            device = name;
        }
    }

    /// Whether the user has said where to compute.
    boolean isDeviceGiven() {
        return command.commandLine().getParseResult().hasMatchedOption("--device");
    }

    /// Threads to compute with.
    int threads() {
        return threads;
    }

    /// The seed.
    long seed() {
        return seed == null ? 0 : seed;
    }

    /// The seed if one was given.
    @Nullable
    Long givenSeed() {
        return seed;
    }

    /// How convolutions are to be computed, if it was said.
    ///
    /// @throws UserError if there is no such mode
    Optional<ConvolutionMode> givenConvolutionMode() {
        try {
            return Optional.ofNullable(conv).map(ConvolutionMode::of);
        } catch (IllegalArgumentException e) {
            throw UserError.usage("--conv: " + e.getMessage());
        }
    }

    /// How convolutions are to be computed.
    ///
    /// @throws UserError if there is no such mode
    ConvolutionMode convolutionMode() {
        return givenConvolutionMode().orElse(ConvolutionMode.EXACT);
    }

    /// Opens the device; its notices go to the user.
    ///
    /// @throws UserError if there is no such device or mode of convolutions, or the number of threads is out of range
    Device openDevice() {
        return openDevice(convolutionMode());
    }

    /// Opens the device for a command that calls kernels one by one, which only the CPU has.
    ///
    /// @param command for messages
    /// @throws UserError as [#openDevice()], and for a GPU
    Device openCpu(String command) {
        if (deviceName().startsWith("gpu")) {
            throw UserError
                    .usage("--device: " + command + " times single kernels of the CPU; on a GPU, bench kernels, bench step, bench "
                            + "attack and experiment speed-test time programs");
        }
        return openDevice();
    }

    /// Opens the device with the mode of convolutions in which a run was trained, unless `--conv` says another; says so if that is not the
    /// default.
    ///
    /// @param run the run folder of the weights, if they are of one
    /// @throws UserError   if there is no such device or mode of convolutions, or the number of threads is out of range
    /// @throws IOException if the run folder cannot be read
    Device openDeviceOf(Optional<RunFolder> run) throws IOException {
        if (givenConvolutionMode().isPresent() || run.isEmpty() || deviceName().equals("scalar") || deviceName().startsWith("gpu")) {
            return openDevice();
        }
        ConvolutionMode mode = TrainingSettings.convolutionMode(run.get().readInfo().settings());
        if (mode != ConvolutionMode.EXACT) {
            progress().line("convolutions: " + mode + ", as in the run (--conv exact for others)");
        }
        return openDevice(mode);
    }

    /// Opens the device with this mode of convolutions; its notices go to the user.
    ///
    /// @throws UserError if there is no such device, it has no such mode, or the number of threads is out of range
    Device openDevice(ConvolutionMode mode) {
        requireWritableJson();
        if (threads < 1 || threads > MAX_THREADS) {
            throw UserError.usage("--threads: expected a number from 1 to " + MAX_THREADS + ", but got " + threads);
        }
        GpuMath math = gpuMath();
        Device opened;
        try {
            opened = Device.open(device, threads, mode, math);
        } catch (IllegalArgumentException e) {
            throw UserError.usage((gpuMath == null ? "--device: " : "--device, --gpu-math: ") + e.getMessage());
        } catch (IllegalStateException e) {
            throw UserError.failure("--device: " + e.getMessage());
        }
        String instead = opened.convolutionMode() == mode
                ? ""
                : "convolutions are " + opened.convolutionMode() + " on these kernels, not " + mode;
        String notices = String.join("; ", opened.notices());
        if (!notices.isEmpty() || !instead.isEmpty()) {
            streams.err().println("normlab: " + notices + (notices.isEmpty() || instead.isEmpty() ? "" : "; ") + instead);
        }
        return opened;
    }

    private GpuMath gpuMath() {
        if (gpuMath == null) {
            return GpuMath.OWN;
        }
        if (!deviceName().startsWith("gpu")) {
            throw UserError.usage("--gpu-math: expected --device gpu beside it, but the device is " + deviceName());
        }
        try {
            return GpuMath.of(gpuMath);
        } catch (IllegalArgumentException e) {
            throw UserError.usage("--gpu-math: " + e.getMessage());
        }
    }

    /// Fails before the work rather than after it.
    private void requireWritableJson() {
        if (json == null || json.equals("-")) {
            return;
        }
        requireWritable("--json", Path.of(json));
    }

    /// Fails if a file could not be written, before the work rather than after it.
    ///
    /// @throws UserError if it is a folder, or its folder does not exist or cannot be written
    static void requireWritable(String option, Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) {
            throw UserError.failure(option + ": cannot write " + file + ", which is a folder; name a file");
        }
        if (parent == null || !Files.isDirectory(parent) || !Files.isWritable(parent)) {
            throw UserError.failure(option + ": cannot write " + file + "; its folder must exist and be writable");
        }
    }

    /// Fails if a file's name does not say its format.
    ///
    /// @param endings one of which the name must have
    /// @throws UserError if it has another
    static void requireEnding(String option, @Nullable Path file, String... endings) {
        if (file != null && Stream.of(endings).noneMatch(file.toString().toLowerCase(Locale.ROOT)::endsWith)) {
            throw UserError.usage(option + ": expected a file that ends in " + String.join(" or ", endings) + ", but got " + file);
        }
    }

    /// Where progress is told.
    Progress progress() {
        Console console = System.console();
        boolean terminal = console != null && console.isTerminal() && streams.err() == System.err;
        return new Progress(streams.err(), terminal, quiet);
    }

    /// Says a line of the result, for people.
    void say(String line) {
        if (!quiet && !"-".equals(json)) {
            streams.out().println(line);
        }
    }

    /// Writes the result as JSON where it was asked for.
    ///
    /// @throws IOException if the file cannot be written
    void writeJson(Map<String, ?> result) throws IOException {
        if (json == null) {
            return;
        }
        String text = Json.document(result);
        if (json.equals("-")) {
            streams.out().print(text);
            streams.out().flush();
        } else {
            AtomicFile.writeText(Path.of(json), text);
        }
    }
}
