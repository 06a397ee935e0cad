package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.Nearest;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// What is wrong with a command line: what was expected, what came, and what may have been meant.
final class UsageMessage {

    private static final Pattern UNKNOWN_TO_HELP = Pattern.compile("Unknown subcommand '(.*)'\\.");

    private UsageMessage() {}

    static String of(ParameterException exception) {
        CommandSpec command = exception.getCommandLine().getCommandSpec();
        if (exception instanceof UnmatchedArgumentException unmatched) {
            return unmatched(command, unmatched);
        }
        if (exception instanceof MissingParameterException missing) {
            return missing(command, missing);
        }
        Matcher help = UNKNOWN_TO_HELP.matcher(String.valueOf(exception.getMessage()));
        return help.matches() ? noCommand(command.root(), help.group(1)) : String.valueOf(exception.getMessage());
    }

    private static String unmatched(CommandSpec command, UnmatchedArgumentException exception) {
        String word = exception.getUnmatched().getFirst();
        if (exception.isUnknownOption()) {
            String option = word.replaceFirst("=.*", "");
            List<String> options = command.options().stream().filter(one -> !one.hidden()).map(OptionSpec::longestName).toList();
            return "Unknown option '" + option + "' of " + name(command) + meant(option, options);
        }
        if (!command.subcommands().isEmpty()) {
            return noCommand(command, word);
        }
        List<String> given = command.positionalParameters().stream().map(ArgSpec::paramLabel).toList();
        return name(command) + " takes " + (given.isEmpty() ? "only options" : String.join(" ", given) + " and options")
                + ", but there is also '" + word + "'";
    }

    private static String noCommand(CommandSpec parent, String word) {
        List<String> commands = List.copyOf(parent.subcommands().keySet());
        String hint = meant(word, commands);
        return "there is no command '" + (name(parent) + " " + word).strip() + "'"
                + (hint.isEmpty() ? "; there are " + String.join(", ", commands) : hint);
    }

    /// The command without the program: `data info`; nothing for the program itself.
    private static String name(CommandSpec command) {
        return command.parent() == null ? "" : (name(command.parent()) + " " + command.name()).strip();
    }

    private static String meant(String word, List<String> known) {
        return Nearest.of(word, known).map(one -> ". Did you mean " + one + "?").orElse("");
    }

    private static String missing(CommandSpec command, MissingParameterException exception) {
        if (String.valueOf(exception.getMessage()).startsWith("Missing required parameter for option")) {
            return exception.getMissing().stream().map(UsageMessage::written)
                    .collect(Collectors.joining(" and ", "a value is missing: ", ""));
        }
        return name(command) + " needs " + exception.getMissing().stream().map(UsageMessage::described)
                .collect(Collectors.joining("; and "));
    }

    private static String written(ArgSpec argument) {
        return argument instanceof OptionSpec option ? option.longestName() + " " + option.paramLabel() : argument.paramLabel();
    }

    private static String described(ArgSpec argument) {
        String[] description = argument.description();
        return written(argument) + Stream.of(description).limit(1).map(text -> ": " + text.replaceFirst("\\.$", ""))
                .collect(Collectors.joining());
    }
}
