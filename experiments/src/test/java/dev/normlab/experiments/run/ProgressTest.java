package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {

    @ParameterizedTest
    @CsvSource({"0.53512,0.5351", "99999,99999.0000", "9610484802480327000,9.61e+18", "NaN,NaN", "Infinity,Infinity"})
    void aLossThatHasRunAwayIsWrittenWithAnExponent(double loss, String text) {
        assertEquals(text, Progress.loss(loss));
    }

    @ParameterizedTest
    @CsvSource({"4.4,4 s", "59.6,1 min 00 s", "125,2 min 05 s", "12000,3 h 20 min"})
    void durationsAreForPeople(double seconds, String text) {
        assertEquals(text, Progress.duration(seconds));
    }
}
