package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0           | 0
            12.345      | 12.3
            999.95      | 1,000
            0.00012345  | 0.000123
            0.000012345 | 1.23×10⁻⁵
            -45.67      | −45.7
            123456      | 123,000
            1234567     | 1.23×10⁶
            9.999e-5    | 0.000100
            1e300       | 1.00×10³⁰⁰
            """)
    void significantDigitsAreRoundedOnce(double value, String expected) {
        assertEquals(expected, Numbers.significant(value, 3));
    }

    @Test
    void fixedDecimalsRoundHalfUpAndNeverShowMinusZero() {
        assertEquals("0.13", Numbers.fixed(0.125, 2));
        assertEquals("0.0", Numbers.fixed(-0.04, 1));
        assertEquals("−1,234.5", Numbers.fixed(-1234.5, 1));
    }

    @Test
    void percentagesAndIntegers() {
        assertEquals("84.3%", Numbers.percent(0.8432, 1));
        assertEquals("100%", Numbers.percent(1, 0));
        assertEquals("1,234,567", Numbers.integer(1_234_567));
        assertEquals("999", Numbers.integer(999));
    }

    @Test
    void valuesThatAreNotFiniteHaveTheirOwnSigns() {
        assertEquals(Numbers.MISSING, Numbers.significant(Double.NaN, 3));
        assertEquals(Numbers.MISSING, Numbers.percent(Double.NaN, 1));
        assertEquals("−∞", Numbers.fixed(Double.NEGATIVE_INFINITY, 2));
    }

    @ParameterizedTest
    @CsvSource({"weight_decay, 5.0E-4, 0.0005", "adv_eps, 0.03137255, 8/255", "adv_eps, 0.03137256, 0.03137256",
        "lr, 0.03137255, 0.03137255", "adv_eps, 0.031, 0.031", "adv_eps, 0.2, 0.2", "svc, 1.0, 1.0", "svc, none, none",
        "norm_decay, l1:1.0E-4:conv+linear, l1:0.0001:conv+linear", "epochs, 3, 3", "data, cifar10:runs-1.0E-4, cifar10:runs-1.0E-4",
        "init, w-0.03137255, w-0.03137255", "lr, 1.0E999999999, 1.0E999999999", "version, 2.5.1, 2.5.1"})
    void settingsAreShownAsPeopleWriteThem(String name, String recorded, String expected) {
        assertEquals(expected, Numbers.setting(name, recorded));
    }

    @Test
    void sizesOfPerturbationsAreShownAsPeopleWriteThem() {
        assertEquals(List.of("8/255", "1/255", "0.031", "0.2", "0", "12", "100", "0.00001", "0.5", "1"),
                Stream.of(8 / 255f, 1 / 255f, .031f, .2f, 0f, 12f, 100f, 1e-5f, .5f, 1f).map(Numbers::size).toList());
        assertEquals(List.of("0.031373", "0.031372", "1.4e-45", "5e-7", "3e38", "1234600", "1e7", "0"),
                Stream.of(Math.nextUp(8 / 255f), .031372f, Float.MIN_VALUE, 5e-7f, 3e38f, 1234567f, 1e7f, -0f).map(Numbers::size).toList());
    }
}
