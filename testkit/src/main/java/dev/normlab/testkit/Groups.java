package dev.normlab.testkit;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.DeviceCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Runs cases some at a time.
final class Groups {

    private Groups() {}

    /// Runs all cases in groups. A group whose program cannot be compiled or run fails as a whole, and the others go on.
    ///
    /// @param check gives a line for every case that failed
    static <C> DeviceCheck.Outcome run(List<C> cases, int together, DeviceCheck.Progress progress, Function<List<C>, List<String>> check) {
        List<String> failures = new ArrayList<>();
        for (int from = 0; from < cases.size(); from += together) {
            List<C> group = cases.subList(from, Math.min(cases.size(), from + together));
            try {
                failures.addAll(check.apply(group));
            } catch (AcceleratorException e) {
                group.forEach(each -> failures.add(each + ": " + e.getMessage()));
            }
            progress.done(from + group.size(), cases.size());
        }
        return new DeviceCheck.Outcome(cases.size(), failures);
    }
}
