package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.SyntheticDataset;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/// Everything that is known to check a device with, from single operations to a training and an attack.
///
/// Cases of single operations come from the test kit if it is on the class path, as in builds for GPUs; the others are made here, with
/// synthetic images.
public final class SelfTest {

    private static final int TRAIN_IMAGES = 640;
    private static final int TEST_IMAGES = 64;
    private static final int SIZE = 32;

    private final List<DeviceCheck> checks = new ArrayList<>();

    /// One check.
    ///
    /// @param seconds that it took
    public record Row(String name, DeviceCheck.Outcome outcome, double seconds) {}

    /// Hears of a check that begins, goes on or has ended.
    public interface Listener {

        /// A check is so far.
        void progress(String name, int done, int of);

        /// A check has ended.
        void finished(Row row);
    }

    /// The checks that are registered, and those of training and attacks.
    ///
    /// @param threads of the CPU that the device is compared with
    public SelfTest(int threads) {
        ServiceLoader.load(DeviceCheck.class, SelfTest.class.getClassLoader()).forEach(checks::add);
        SyntheticDataset.Config config = new SyntheticDataset.Config(SIZE, TRAIN_IMAGES, TEST_IMAGES, 0, 1);
        Dataset train = SyntheticDataset.generate(config).train();
        Dataset test = SyntheticDataset.generate(config).test();
        checks.add(new StepParity(train, threads));
        checks.add(new ShortTraining(train, threads));
        checks.add(new AttackedAlike(train, test, threads));
    }

    /// Whether the cases of single operations are there.
    public boolean isComplete() {
        return checks.size() > 3;
    }

    /// Runs all checks. What an accelerator refuses is a failure of its check, and the others go on.
    ///
    /// @param whole all cases of single operations, more steps of training and of the attack
    public List<Row> run(Device device, boolean whole, Listener listener) {
        List<Row> rows = new ArrayList<>();
        for (DeviceCheck check : checks) {
            long start = System.nanoTime();
            DeviceCheck.Outcome outcome;
            try {
                outcome = check.run(device, whole, (done, of) -> listener.progress(check.name(), done, of));
            } catch (AcceleratorException e) {
                outcome = new DeviceCheck.Outcome(1, List.of(e.getMessage()));
            }
            Row row = new Row(check.name(), outcome, (System.nanoTime() - start) / 1e9);
            rows.add(row);
            listener.finished(row);
        }
        return rows;
    }
}
