package dev.normlab.experiments.cli;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.experiments.run.Provenance;
import dev.normlab.experiments.run.UserError;
import dev.normlab.lip.norm.NormException;
import dev.normlab.nn.data.DataException;
import dev.normlab.nn.layer.StateDictException;
import dev.normlab.nn.train.DivergenceException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/// The program: `normlab COMMAND`. Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted with state saved.
@Command(name = "normlab", mixinStandardHelpOptions = true, versionProvider = Main.Version.class, synopsisSubcommandLabel = "COMMAND",
        description = "Train CNNs under norm constraints, measure the exact norms of their layers, and attack them.",
        footer = {"", "./normlab jshell [FILE.jsh ...] opens the JDK's jshell with normlab's classes (docs/guide)."},
        subcommands = {QuickstartCommand.class, TrainCommand.class, EvaluateCommand.class, AttackCommand.class, NormsCommand.class,
            SummaryCommand.class, ModelsCommand.class, ExportCommand.class, DataCommand.class, ReportCommand.class, ExperimentCommand.class,
            BenchCommand.class,
            DevicesCommand.class, GpuSelfTestCommand.class, CommandLine.HelpCommand.class})
public final class Main implements Runnable {

    static final int FAILED = 1;
    static final int USAGE = 2;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /// Runs a command and ends the process with its exit code.
    public static void main(String[] args) {
        System.exit(run(System.out, System.err, args));
    }

    /// Runs a command.
    ///
    /// @return the exit code
    static int run(PrintStream out, PrintStream err, String... args) {
        CommandLine line = new CommandLine(new Main(), new CommandFactory(new Streams(out, err)));
        line.setOut(new PrintWriter(out, true, out.charset()));
        line.setErr(new PrintWriter(err, true, err.charset()));
        line.setOverwrittenOptionsAllowed(true);
        readNumbers(line);
        line.setParameterExceptionHandler((exception, _) -> usage(err, exception));
        line.setExecutionExceptionHandler((exception, _, parsed) -> failure(err, exception, parsed));
        try {
            return line.execute(args);
        } catch (OutOfMemoryError e) {
            err.println("normlab: out of memory (" + e.getMessage() + "): use a smaller --batch-size or model, or give the JVM more with "
                    + "NORMLAB_JAVA_OPTS=-Xmx8g; it may use " + Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB now");
            return FAILED;
        }
    }

    /// Says what is wrong with a number without naming a Java type.
    private static void readNumbers(CommandLine line) {
        CommandLine.ITypeConverter<Integer> whole = text -> number(text, "a whole number up to " + Integer.MAX_VALUE, Integer::decode);
        CommandLine.ITypeConverter<Long> seed = text -> number(text, "a whole number up to " + Long.MAX_VALUE, Long::decode);
        CommandLine.ITypeConverter<Double> real = text -> number(text, "a number", Double::valueOf);
        CommandLine.ITypeConverter<Float> single = text -> number(text, "a number", Float::valueOf);
        line.registerConverter(int.class, whole).registerConverter(Integer.class, whole);
        line.registerConverter(long.class, seed).registerConverter(Long.class, seed);
        line.registerConverter(double.class, real).registerConverter(Double.class, real);
        line.registerConverter(float.class, single).registerConverter(Float.class, single);
    }

    private static <T> T number(String text, String expected, Function<String, T> read) {
        try {
            return read.apply(text);
        } catch (NumberFormatException e) {
            throw new CommandLine.TypeConversionException("expected " + expected + ", but got '" + text + "'");
        }
    }

    @Override
    public void run() {
        CommandLine line = spec.commandLine();
        line.usage(line.getErr());
        throw new ParameterException(line, "say what to do, for example: normlab quickstart");
    }

    private static int usage(PrintStream err, ParameterException exception) {
        CommandLine command = exception.getCommandLine();
        err.println("normlab: " + UsageMessage.of(exception));
        err.println("See: " + command.getCommandSpec().qualifiedName() + " --help");
        return USAGE;
    }

    private static int failure(PrintStream err, Exception exception, ParseResult parsed) {
        boolean details = System.getenv("NORMLAB_DEBUG") != null;
        if (exception instanceof UserError user && user.isUsage()) {
            err.println("normlab: " + user.getMessage());
            ParseResult last = parsed;
            while (last.hasSubcommand()) {
                last = last.subcommand();
            }
            err.println("See: " + last.commandSpec().qualifiedName() + " --help");
            return USAGE;
        }
        String message = message(exception);
        if (message == null) {
            err.println("normlab: this should not happen; please report it with the lines below");
            exception.printStackTrace(err);
            return FAILED;
        }
        err.println("normlab: " + message);
        if (details) {
            exception.printStackTrace(err);
        }
        return FAILED;
    }

    /// What to tell about a failure that is no fault of the program; null for all others.
    private static @Nullable String message(Exception exception) {
        return switch (exception) {
            case UserError e -> e.getMessage();
            case DataException e -> e.getMessage();
            case StateDictException e -> e.getMessage();
            case NormException e -> e.getMessage();
            case DivergenceException e -> e.getMessage();
            case FormatException e -> e.getMessage();
            case AcceleratorException e -> e.getMessage();
            case NoSuchFileException e -> "there is no file or folder " + e.getFile();
            case AccessDeniedException e -> "no permission to use " + e.getFile();
            case FileAlreadyExistsException e -> e.getMessage();
            case FileSystemException e -> "cannot use " + e.getFile() + (e.getReason() == null ? "" : ": " + e.getReason());
            case IOException e -> String.valueOf(e.getMessage());
            default -> null;
        };
    }

    /// What `--version` says.
    static final class Version implements CommandLine.IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"normlab " + Provenance.version()};
        }
    }
}
