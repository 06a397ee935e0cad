package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestTest {

    @Test
    void theNearestWordIsFoundAcrossTypingErrors() {
        assertEquals(1, Nearest.distance("epohcs", "epochs"));
        assertEquals(3, Nearest.distance("kitten", "sitting"));
        assertEquals("", Nearest.hint("entirely-different", List.of("epochs", "lr")));
        assertEquals(" (did you mean 'batch_size'?)", Nearest.hint("batch-size", List.of("epochs", "batch_size")));
    }

    @Test
    void shortWordsAreNotTakenForOthersOfWhichNoLetterIsLeft() {
        for (String word : List.of("", "l1", "at", "he", "adv", "std")) {
            assertEquals("", Nearest.hint(word, Method.names()), word);
        }
        assertEquals(" (did you mean 'pgd-at'?)", Nearest.hint("pgd", Method.names()), "what begins so, not 'wd'");
        assertEquals(" (did you mean 'nd-l1'?)", Nearest.hint("nd", Method.names()));
    }

    @Test
    void aMethodThatIsNearlyRightIsSuggested() {
        String message = assertThrows(UserError.class, () -> Method.parse("pgd_at")).getMessage();
        assertTrue(message.contains("(did you mean 'pgd-at'?)"), message);
        assertTrue(message.contains("known methods: "), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"cifar:some/folder;cifar10", "CIFAR10:some/folder;cifar10", "syntetic;synthetic"})
    void dataThatIsNearlyRightIsSuggested(String spec, String meant) {
        String message = assertThrows(UserError.class, () -> DataSource.parse(spec)).getMessage();
        assertTrue(message.contains("\" (did you mean '" + meant + "'?); choose "), message);
    }

    @Test
    void dataOfAKnownKindWithAnotherFaultIsNotGuessedAt() {
        String message = assertThrows(UserError.class, () -> DataSource.parse("synthetic:trian=5")).getMessage();
        assertFalse(message.contains("did you mean"), message);
    }
}
