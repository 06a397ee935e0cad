package dev.normlab.experiments.plot;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/// Round tick values and their labels.
///
/// Linear ticks are multiples of 1, 2, 2.5 or 5 times a power of ten, with the step whose number of ticks comes nearest to the wish (a step
/// of 2.5 counts as half a tick worse); they are exact decimals, so that labels never show rounding noise. After P. Heckbert, "Nice numbers
/// for graph labels", Graphics Gems (1990). Logarithmic ticks are powers of ten, with 1-2-5 steps where the range is less than three
/// powers, and linear ticks where it is less than that.
record Ticks(double min, double max, List<Tick> all) {

    private static final List<BigDecimal> MANTISSAS = List.of(BigDecimal.ONE, BigDecimal.TWO, new BigDecimal("2.5"), BigDecimal.valueOf(5),
            BigDecimal.TEN);
    private static final List<BigDecimal> INTEGER_MANTISSAS = List.of(BigDecimal.ONE, BigDecimal.TWO, BigDecimal.valueOf(5),
            BigDecimal.TEN);

    /// Ticks inside [min, max]; the range stays as it is, except that a range of one point is widened.
    ///
    /// @param wish how many labelled ticks there should be, roughly
    static Ticks within(Axis axis, double min, double max, int wish) {
        double[] range = widened(axis, min, max);
        return axis.kind() == Axis.Kind.LOG
                ? logarithmic(axis, range[0], range[1], wish)
                : linear(axis, range[0], range[1], step(axis, range[0], range[1], wish));
    }

    /// Ticks that cover [min, max]: the range grows to the next round value on the sides where the axis has no fixed limit.
    static Ticks covering(Axis axis, double min, double max, int wish) {
        double[] range = widened(axis, min, max);
        double low = range[0];
        double high = range[1];
        boolean lowFree = Double.isNaN(axis.min());
        boolean highFree = Double.isNaN(axis.max());
        if (axis.kind() == Axis.Kind.LOG) {
            return logarithmic(axis, lowFree ? roundOutwards(low, false) : low, highFree ? roundOutwards(high, true) : high, wish);
        }
        BigDecimal step = step(axis, low, high, wish);
        double slack = 1e-9 * (high - low);
        low = lowFree ? multiple(low + slack, step, RoundingMode.FLOOR).doubleValue() : low;
        high = highFree ? multiple(high - slack, step, RoundingMode.CEILING).doubleValue() : high;
        return linear(axis, low, high, step);
    }

    private static double[] widened(Axis axis, double min, double max) {
        double magnitude = Math.max(Math.abs(min), Math.abs(max));
        if (max - min > 1e-9 * magnitude && max - min > 1e-290) {
            return new double[] {min, max};
        }
        if (axis.kind() == Axis.Kind.LOG) {
            return new double[] {min / 2, max * 2};
        }
        double reach = axis.kind() == Axis.Kind.INTEGER ? 1 : magnitude > 1e-280 ? magnitude / 10 : 1;
        return new double[] {min - reach, max + reach};
    }

    private static Ticks linear(Axis axis, double min, double max, BigDecimal step) {
        double slack = 1e-9 * (max - min);
        BigDecimal last = multiple(max + slack, step, RoundingMode.FLOOR);
        List<BigDecimal> values = new ArrayList<>();
        for (BigDecimal value = multiple(min - slack, step, RoundingMode.CEILING); value.compareTo(last) <= 0; value = value.add(step)) {
            values.add(value);
        }
        return new Ticks(min, max, labelled(axis, values, step));
    }

    private static BigDecimal step(Axis axis, double min, double max, int wish) {
        boolean integers = axis.kind() == Axis.Kind.INTEGER;
        double range = max - min;
        int exponent = (int) Math.floor(StrictMath.log10(range / Math.max(1, wish)));
        BigDecimal best = BigDecimal.ONE;
        double bestMiss = Double.POSITIVE_INFINITY;
        for (BigDecimal mantissa : integers ? INTEGER_MANTISSAS : MANTISSAS) {
            BigDecimal step = mantissa.scaleByPowerOfTen(exponent);
            if (integers && step.compareTo(BigDecimal.ONE) < 0) {
                continue;
            }
            double ticks = Math.floor(max / step.doubleValue() + 1e-9) - Math.ceil(min / step.doubleValue() - 1e-9) + 1;
            double miss = Math.abs(ticks - wish) + (mantissa.scale() > 0 ? 0.5 : 0);
            if (miss < bestMiss) {
                bestMiss = miss;
                best = step;
            }
        }
        return best;
    }

    private static BigDecimal multiple(double value, BigDecimal step, RoundingMode mode) {
        return new BigDecimal(value).divide(step, 0, mode).multiply(step);
    }

    private static List<Tick> labelled(Axis axis, List<BigDecimal> values, BigDecimal step) {
        int decimals = Math.max(0, step.stripTrailingZeros().scale());
        BigDecimal largest = values.stream().map(BigDecimal::abs).reduce(BigDecimal.ZERO, BigDecimal::max);
        int exponent = largest.signum() == 0 ? 0 : largest.precision() - largest.scale() - 1;
        boolean scientific = axis.format() == Axis.Format.NUMBER && (exponent >= 6 || decimals > 4);
        List<Tick> ticks = new ArrayList<>();
        for (BigDecimal value : values) {
            String label;
            if (axis.format() == Axis.Format.PERCENT) {
                label = Numbers.fixed(value.scaleByPowerOfTen(2), Math.max(0, decimals - 2)) + "%";
            } else if (scientific && value.signum() != 0) {
                int mantissaDecimals = Math.max(0, exponent + step.stripTrailingZeros().scale());
                label = Numbers.scientific(value, exponent, mantissaDecimals);
            } else {
                label = Numbers.fixed(value, scientific ? 0 : decimals);
            }
            ticks.add(new Tick(value.doubleValue(), label));
        }
        return ticks;
    }

    private static Ticks logarithmic(Axis axis, double min, double max, int wish) {
        int first = (int) Math.ceil(StrictMath.log10(min) - 1e-9);
        int last = (int) Math.floor(StrictMath.log10(max) + 1e-9);
        if (last - first >= 2) {
            return new Ticks(min, max, powers(axis, min, max, wish));
        }
        List<Tick> ticks = new ArrayList<>();
        for (int power = first - 1; power <= last; power++) {
            for (int mantissa : new int[] {1, 2, 5}) {
                BigDecimal value = BigDecimal.valueOf(mantissa).scaleByPowerOfTen(power);
                if (inside(value.doubleValue(), min, max)) {
                    ticks.add(new Tick(value.doubleValue(), axis.describe(value.doubleValue())));
                }
            }
        }
        return ticks.size() >= 3
                ? new Ticks(min, max, withoutTrailingZeros(axis, ticks))
                : linear(axis, min, max, step(axis, min, max, wish));
    }

    private static List<Tick> powers(Axis axis, double min, double max, int wish) {
        int first = (int) Math.ceil(StrictMath.log10(min) - 1e-9);
        int last = (int) Math.floor(StrictMath.log10(max) + 1e-9);
        int stride = Math.max(1, Math.ceilDiv(last - first + 1, Math.max(2, wish)));
        boolean plain = first >= -3 && last <= 5 || axis.format() == Axis.Format.PERCENT;
        List<Tick> ticks = new ArrayList<>();
        for (int power = first - 1; power <= last; power++) {
            BigDecimal value = BigDecimal.ONE.scaleByPowerOfTen(power);
            if (power >= first) {
                boolean major = Math.floorMod(power, stride) == 0;
                String label = plain ? plainPower(axis, value, power) : Numbers.powerOfTen(power);
                ticks.add(new Tick(value.doubleValue(), major ? label : ""));
            }
            for (int mantissa = 2; mantissa <= 9 && last - first <= 6; mantissa++) {
                double minor = value.multiply(BigDecimal.valueOf(mantissa)).doubleValue();
                if (inside(minor, min, max)) {
                    ticks.add(new Tick(minor, ""));
                }
            }
        }
        return ticks;
    }

    private static String plainPower(Axis axis, BigDecimal value, int power) {
        if (axis.format() == Axis.Format.PERCENT) {
            return Numbers.fixed(value.scaleByPowerOfTen(2), Math.max(0, -power - 2)) + "%";
        }
        return Numbers.fixed(value, Math.max(0, -power));
    }

    private static List<Tick> withoutTrailingZeros(Axis axis, List<Tick> ticks) {
        if (axis.format() == Axis.Format.PERCENT) {
            return ticks;
        }
        return ticks.stream().map(tick -> new Tick(tick.value(), Numbers.significant(tick.value(), 1))).toList();
    }

    private static boolean inside(double value, double min, double max) {
        double slack = 1e-9 * (max - min);
        return value >= min - slack && value <= max + slack;
    }

    /// The next of 1, 2, 3, 5 times a power of ten, downwards or upwards.
    private static double roundOutwards(double value, boolean up) {
        int power = (int) Math.floor(StrictMath.log10(value) + 1e-12);
        double[] mantissas = {1, 2, 3, 5, 10};
        double unit = BigDecimal.ONE.scaleByPowerOfTen(power).doubleValue();
        double best = mantissas[up ? 4 : 0] * unit;
        for (double mantissa : mantissas) {
            double candidate = BigDecimal.valueOf(mantissa).scaleByPowerOfTen(power).doubleValue();
            if (up && candidate >= value * (1 - 1e-12)) {
                return candidate;
            }
            if (!up && candidate <= value * (1 + 1e-12)) {
                best = candidate;
            }
        }
        return best;
    }
}
