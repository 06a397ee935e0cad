package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Errors of typing are answered with what there is.
class UsageMessageTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            atack                   | there is no command 'atack'. Did you mean attack?
            help atack              | there is no command 'atack'. Did you mean attack?
            bench stp               | there is no command 'bench stp'. Did you mean step?
            bench everything        | there is no command 'bench everything'; there are step, kernels, norms, attack
            train --epoch 3         | Unknown option '--epoch' of train. Did you mean --epochs?
            train --epoch=3         | Unknown option '--epoch' of train. Did you mean --epochs?
            train --colour          | Unknown option '--colour' of train
            train vgg11             | train takes only options, but there is also 'vgg11'
            report runs more        | report takes DIR and options, but there is also 'more'
            train --epochs          | a value is missing: --epochs N
            data download           | data download needs NAME: cifar10 (162 MB), cifar100 (161 MB), or cifar10c (2.9 GB)
            """)
    void whatWasExpectedAndWhatCameIsSaid(String command, String message) {
        Output output = Output.of(command.split(" "));
        assertEquals(2, output.code());
        assertEquals("normlab: " + message, output.err().lines().findFirst().orElse(""));
    }

    @ParameterizedTest
    @CsvSource({"export,--out", "data info,SPEC"})
    void whatIsRequiredIsNamedWithWhatItIs(String command, String required) {
        Output output = Output.of(command.split(" "));
        assertEquals(2, output.code());
        assertTrue(output.err().startsWith("normlab: " + command + " needs " + required), output.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "attack", "evaluate", "norms"})
    void helpBeginsWithWhatIsTheCommandsOwn(String command) {
        String help = Output.of(command, "--help").out();
        assertTrue(help.indexOf("--model=NAME  ") < help.indexOf("--threads=N  "), help);
    }

    @Test
    void aFolderIsNoFileToWrite(@TempDir Path folder) {
        Output output = Output.of("train", "--model", "lenet", "--save", folder.toString());
        assertTrue(output.err().contains("--save: cannot write " + folder + ", which is a folder; name a file"), output.err());
    }
}
