package dev.normlab.experiments.study;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/// When the runs of a study will be done: what they cost ([RelativeCost]) at the pace of this process.
///
/// Only what this process does counts for its pace, so that a run that an earlier process had almost finished does not make it look fast. A
/// run under way goes on at its own pace as soon as it has done an epoch, or as much of its attacks; the runs behind it go at the pace of
/// all work so far. Before there is a pace nothing is said. Between two pieces of work the time that is left counts down.
final class TimeLeft implements StudyRun.Listener {

    /// A sum of steps may be a little less than the epoch.
    private static final double WHOLE = 0.999;

    private final LongSupplier nanos;
    private final Map<Integer, Double> open = new HashMap<>();
    private Pace ended = new Pace(0, 0);
    private Pace current = new Pace(0, 0);
    private RelativeCost.Cost cost = new RelativeCost.Cost(0, 0, 0);
    private int underWay = -1;
    private double position = Double.NaN;
    private boolean attacking;
    private long began;

    /// Work in a time.
    private record Pace(double work, double seconds) {

        double secondsOf(double more) {
            return more * seconds / work;
        }

        Pace plus(Pace other) {
            return new Pace(work + other.work, seconds + other.seconds);
        }
    }

    /// @param nanos the time, as [System#nanoTime] gives it
    TimeLeft(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /// Adds a run that is to be done.
    ///
    /// @param epochs that are trained already
    void add(PlannedRun run, RelativeCost.Cost whole, int epochs) {
        open.put(run.number(), whole.whole() - Math.min(epochs, whole.epochs()) * whole.epoch());
    }

    /// A run begins, or goes on.
    void begin(PlannedRun run, RelativeCost.Cost whole) {
        underWay = run.number();
        cost = whole;
        current = new Pace(0, 0);
        position = Double.NaN;
        attacking = false;
        began = nanos.getAsLong();
    }

    /// The run under way is over.
    ///
    /// @param left whether it is still to be done
    void end(boolean left) {
        if (hasOwnPace()) {
            ended = ended.plus(new Pace(current.work, secondsSinceBegin()));
        }
        if (!left) {
            open.remove(underWay);
        }
        current = new Pace(0, 0);
        underWay = -1;
    }

    @Override
    public void trained(double epochs) {
        advance(epochs * cost.epoch());
    }

    @Override
    public void attacked(double share) {
        position = attacking ? position : Double.NaN;
        attacking = true;
        advance(cost.epochs() * cost.epoch() + share * cost.attack());
    }

    /// The first position is what was done before.
    private void advance(double to) {
        double more = Double.isNaN(position) ? 0 : to - position;
        position = to;
        current = new Pace(current.work + more, secondsSinceBegin());
        open.put(underWay, Math.max(0, cost.whole() - to));
    }

    private boolean hasOwnPace() {
        return current.work > 0 && current.work >= WHOLE * cost.epoch();
    }

    private double secondsSinceBegin() {
        return (nanos.getAsLong() - began) / 1e9;
    }

    /// The seconds that are left, if there is a pace and something left.
    OptionalDouble seconds() {
        Pace all = hasOwnPace() ? ended.plus(current) : ended;
        double work = open.values().stream().mapToDouble(Double::doubleValue).sum();
        if (all.work == 0 || work == 0) {
            return OptionalDouble.empty();
        }
        double ofThis = open.getOrDefault(underWay, 0.0);
        double sinceThen = underWay < 0 ? 0 : secondsSinceBegin() - current.seconds;
        double left = (hasOwnPace() ? current : all).secondsOf(ofThis) + all.secondsOf(work - ofThis);
        return OptionalDouble.of(Math.max(0, left - sinceThen));
    }
}
