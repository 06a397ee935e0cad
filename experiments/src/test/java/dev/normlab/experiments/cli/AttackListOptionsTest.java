package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.run.UserError;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class AttackListOptionsTest {

    @TempDir
    private Path folder = Path.of("");

    private static AttackListOptions options(String... args) {
        return CommandLine.populateCommand(new AttackListOptions(), args);
    }

    /// Four images of the classes 0, 1, 2 and 1.
    private static Dataset data() {
        return Dataset.ofUnits("four", new ImageShape(1, 1, 1), List.of("a", "b", "c"), new float[] {0, .2f, .4f, .6f},
                new int[] {0, 1, 2, 1});
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';',
            value = {"--attacks fgsm,pgd;fgsm + pgd-20", "--attacks pgd --steps 7 --restarts 3;pgd-7x3", "--attacks apgd-ce;apgd-ce",
                "--attacks apgd-ce --restarts 5;apgd-ce", "--attacks apgd-ce --restarts 1;apgd-cex1", "--attacks fab --restarts 1;fabx1",
                "--attacks apgd-t,fgsm --restarts 2 --steps 9 --targets 3;apgd-t-9x2 for 3 targets + fgsm",
                "--attacks square --queries 100;square with 100 queries", "--attacks standard;standard",
                "--attacks standard --steps 5 --restarts 1 --queries 9;standard-5x1 with 9 queries",
                "--attacks rand --draws 3;rand over 3 draws",
                "--attacks pgd --step-size 2/255 --no-random-start;pgd-20 by 2/255 from the image"})
    void resultsAreRecordedUnderEverythingThatChangesThem(String args, String expected) {
        assertEquals(expected, options(args.split(" ")).together());
    }

    @ParameterizedTest
    @CsvSource({"apgd, apgd-ce", "Squrae, square", "apgd_t, apgd-t"})
    void anAttackThatIsNearlyRightIsSuggested(String said, String meant) {
        String message = assertThrows(UserError.class, () -> options("--attacks", "fgsm," + said).attacks(ThreatModel.Ball.LINF))
                .getMessage();
        assertTrue(message.contains("(did you mean '" + meant + "'?)") && message.contains("ensembles of AutoAttack: standard"), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';',
            value = {"--attacks fgsm,square --steps 5;--steps", "--attacks apgd-ce --targets 3;--targets",
                "--attacks rand --targets 3;--targets",
                "--attacks pgd --queries 9;--queries", "--attacks fab,pgd --draws 2;--draws"})
    void aNumberThatNoAttackGoesByIsNotPassedOverInSilence(String args, String option) {
        UserError refused = assertThrows(UserError.class, () -> options(args.split(" ")).attacks(ThreatModel.Ball.LINF));
        assertTrue(refused.getMessage().startsWith(option + ": expected one of the attacks "), refused.getMessage());
    }

    @Test
    void restartsOfFgsmAloneAreNotPassedOverInSilence() {
        UserError refused = assertThrows(UserError.class,
                () -> options("--attacks", "fgsm", "--restarts", "3").attacks(ThreatModel.Ball.LINF));
        assertTrue(refused.getMessage().startsWith("--restarts: fgsm takes one step"), refused.getMessage());
        assertEquals(2, options("--attacks", "fgsm,pgd", "--restarts", "3").attacks(ThreatModel.Ball.LINF).size());
    }

    @Test
    void numbersThatOneAttackOfTheListGoesByAreTaken() {
        assertEquals(5, options("--attacks", "fgsm,standard", "--steps", "3", "--targets", "2", "--queries", "4", "--draws", "1")
                .attacks(ThreatModel.Ball.L2).size());
    }

    @Test
    void anAttackOfAnEnsembleIsNamedAfterIt() {
        ThreatModel.Ball ball = ThreatModel.Ball.LINF;
        List<String> standard = List.of("apgd-ce of standard", "apgd-t of standard", "fab-t of standard", "square of standard");
        assertEquals(standard, options("--attacks", "standard").labels(ball));
        assertEquals(List.of("apgd-ce"), options("--attacks", "apgd-ce").labels(ball));
        List<String> both = new ArrayList<>(standard);
        both.add("apgd-ce-7");
        both.replaceAll(label -> label.replaceFirst("(apgd-ce|apgd-t|fab-t) of", "$1-7 of"));
        assertEquals(both, options("--attacks", "standard,apgd-ce", "--steps", "7").labels(ball));
    }

    private String together(Path file, int... targets) throws IOException {
        Files.createDirectories(file.getParent());
        Npy.write(file, new NumberArray.Ints(Shape.of(targets.length), targets));
        AttackListOptions options = options("--target", file.toString());
        options.readTargets(3, data(), text -> {
        });
        return options.together();
    }

    @Test
    void aFileOfTargetsIsNamedByWhatIsInItAndNotByItsFolder() throws IOException {
        String here = together(folder.resolve("here/goals.npy"), 1, 2, 0, 0);
        assertTrue(here.matches("pgd-20 to goals\\.npy \\(sha256 [0-9a-f]{12}\\)"), here);
        assertEquals(here, together(folder.resolve("there/goals.npy"), 1, 2, 0, 0));
        assertNotEquals(here, together(folder.resolve("here/goals.npy"), 1, 2, 0, 2));
        AttackListOptions one = options("--target", " 2");
        one.readTargets(3, data(), text -> {
        });
        assertEquals("pgd-20 to 2", one.together());
    }

    @Test
    void imagesOfTheirOwnTargetClassAreLeftOutAndSaid() throws IOException {
        List<String> said = new ArrayList<>();
        Dataset left = options("--target", "1").readTargets(3, data(), said::add);
        assertEquals(List.of(0, 2), List.of(left.record(0), left.record(1)));
        assertEquals(2, left.size());
        assertEquals(
                List.of("--target: 2 of 4 images are of their own target class, the first of them image 1 of class 1; they are left out,"
                        + " and all figures are of the other 2"),
                said);
        said.clear();
        Dataset only = data().subset(new int[] {1, 3});
        UserError nothing = assertThrows(UserError.class, () -> options("--target", "1").readTargets(3, only, said::add));
        assertTrue(nothing.getMessage().contains("all 2 are of their own target class, the first of them image 1 of class 1"),
                nothing.getMessage());
        Dataset all = data();
        assertEquals(all, options().readTargets(3, all, said::add));
        assertEquals(List.of(), said);
    }
}
