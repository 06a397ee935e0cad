package dev.normlab.experiments.plot;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/// Numbers as text for readers, the same in every locale: a true minus sign, commas between thousands, powers of ten as superscripts.
public final class Numbers {

    /// What stands for a value that is missing or not a number.
    public static final String MISSING = "–";

    private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

    private static final Pattern DECIMAL = Pattern.compile("(?<![\\w.])\\d+\\.\\d+(?:E-?\\d{1,3})?(?![\\w.])");

    // Settings that are no numbers, and those that are differences of pixel values.
    private static final Set<String> TEXTS = Set.of("model", "data", "init");
    private static final Set<String> OF_PIXELS = Set.of("adv_eps", "adv_step");
    private static final MathContext SIZE_DIGITS = new MathContext(5);
    private static final BigDecimal SMALLEST_PLAIN = new BigDecimal("1e-6");
    private static final BigDecimal LARGEST_PLAIN = new BigDecimal("1e7");

    private Numbers() {}

    /// A number with a fixed count of decimals, rounded half up; NaN is [#MISSING], infinity is ∞.
    public static String fixed(double value, int decimals) {
        if (Double.isNaN(value)) {
            return MISSING;
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "∞" : "−∞";
        }
        return fixed(BigDecimal.valueOf(value), decimals);
    }

    static String fixed(BigDecimal value, int decimals) {
        BigDecimal rounded = value.setScale(decimals, RoundingMode.HALF_UP);
        String pattern = rounded.abs().compareTo(BigDecimal.valueOf(1000)) >= 0 ? "%,." : "%.";
        String digits = String.format(Locale.ROOT, pattern + decimals + "f", rounded.abs());
        return rounded.signum() < 0 ? "−" + digits : digits;
    }

    /// A number with this many significant digits: `0.0123`, `45.7`, `12,300`, and outside 1e-4 to 1e6 as `1.23×10⁻⁷`.
    ///
    /// @param digits the significant digits, at least 1
    public static String significant(double value, int digits) {
        if (!Double.isFinite(value)) {
            return fixed(value, 0);
        }
        if (value == 0) {
            return "0";
        }
        BigDecimal rounded = BigDecimal.valueOf(value).round(new MathContext(digits, RoundingMode.HALF_UP));
        int exponent = rounded.precision() - rounded.scale() - 1;
        if (exponent >= 6 || exponent < -4) {
            return scientific(rounded, exponent, digits - 1);
        }
        return fixed(rounded, Math.max(0, digits - 1 - exponent));
    }

    /// A fraction as a percentage: `percent(0.8432, 1)` is `84.3%`.
    public static String percent(double fraction, int decimals) {
        return Double.isFinite(fraction) ? fixed(fraction * 100, decimals) + "%" : fixed(fraction, 0);
    }

    /// An integer with commas between thousands.
    public static String integer(long value) {
        return fixed(BigDecimal.valueOf(value), 0);
    }

    /// A number of things, such as `1 epoch` and `1,200 epochs`.
    public static String counted(long count, String one, String many) {
        return integer(count) + " " + (count == 1 ? one : many);
    }

    /// A recorded setting with its numbers as people write them: `5.0E-4` as `0.0005`, and an `adv_eps` of `0.03137255` as `8/255`.
    /// What is a text, such as a path, stays as it is.
    ///
    /// @param name the setting's name
    public static String setting(String name, String recorded) {
        return TEXTS.contains(name)
                ? recorded
                : DECIMAL.matcher(recorded).replaceAll(number -> plain(number.group(), OF_PIXELS.contains(name)));
    }

    /// The size of a perturbation as people write it: `8/255`, `0.5`, `12`. Five digits at most, with a power of ten far from 1.
    ///
    /// @throws NumberFormatException if it is NaN or infinite
    public static String size(float eps) {
        BigDecimal exact = new BigDecimal(Float.toString(eps)).stripTrailingZeros();
        String text = plain(exact.toPlainString(), true);
        if (text.contains("/")) {
            return text;
        }
        BigDecimal rounded = exact.round(SIZE_DIGITS).stripTrailingZeros();
        boolean near = rounded.signum() == 0 || rounded.compareTo(SMALLEST_PLAIN) >= 0 && rounded.compareTo(LARGEST_PLAIN) < 0;
        return near ? rounded.toPlainString() : rounded.toString().replace("E", "e").replace("+", "");
    }

    private static String plain(String number, boolean ofPixels) {
        BigDecimal value = new BigDecimal(number);
        long pixels = Math.round(value.doubleValue() * 255);
        boolean shorter = number.length() > (pixels + "/255").length();
        if (ofPixels && pixels > 0 && pixels < 255 && shorter && value.floatValue() == pixels / 255f) {
            return pixels + "/255";
        }
        return number.contains("E") ? value.stripTrailingZeros().toPlainString() : number;
    }

    static String scientific(BigDecimal value, int exponent, int decimals) {
        BigDecimal mantissa = value.scaleByPowerOfTen(-exponent);
        return fixed(mantissa, decimals) + "×" + powerOfTen(exponent);
    }

    /// A power of ten: `10⁻³`.
    static String powerOfTen(int exponent) {
        StringBuilder text = new StringBuilder("10");
        for (char c : Integer.toString(exponent).toCharArray()) {
            text.append(c == '-' ? '⁻' : SUPERSCRIPTS.charAt(c - '0'));
        }
        return text.toString();
    }
}
