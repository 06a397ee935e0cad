package dev.normlab.experiments.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `bench`: how fast this machine computes.
@Command(name = "bench", description = "Measure speed.", mixinStandardHelpOptions = true,
        subcommands = {BenchStepCommand.class, BenchKernelsCommand.class, BenchNormsCommand.class, BenchAttackCommand.class})
final class BenchCommand implements Runnable {

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "say what to measure: bench step, bench kernels, bench norms or bench attack");
    }
}
