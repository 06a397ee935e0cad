package dev.normlab.experiments.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `experiment`: whole studies.
@Command(name = "experiment", description = "Run a whole study.", mixinStandardHelpOptions = true, subcommands = {SpeedTestCommand.class})
final class ExperimentCommand implements Runnable {

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say which study: experiment speed-test");
    }
}
