package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.SyntheticDataset;
import dev.normlab.nn.model.Models;
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
    private static final int MORE_TEST_IMAGES = 1024;
    private static final double EASY = 0.5;
    private static final SyntheticDataset.Config IMAGES = new SyntheticDataset.Config(SIZE, TRAIN_IMAGES, TEST_IMAGES, 0, 1);
    private static final SyntheticDataset.Config EASY_IMAGES = new SyntheticDataset.Config(SIZE, TRAIN_IMAGES, MORE_TEST_IMAGES, 0, EASY);

    private final List<DeviceCheck> checks;
    private final boolean whole;
    private final boolean complete;

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

    private SelfTest(List<DeviceCheck> checks, boolean whole, boolean complete) {
        this.checks = List.copyOf(checks);
        this.whole = whole;
        this.complete = complete;
    }

    /// The checks that are registered, and those of training and attacks.
    ///
    /// @param threads of the CPU that the device is compared with
    /// @param whole   all cases of single operations, more steps of training and of the attack, and a training of 15 epochs
    public static SelfTest of(int threads, boolean whole) {
        List<DeviceCheck> checks = new ArrayList<>();
        ServiceLoader.load(DeviceCheck.class, SelfTest.class.getClassLoader()).forEach(checks::add);
        boolean complete = !checks.isEmpty();
        DataSplits images = SyntheticDataset.generate(IMAGES);
        checks.add(new StepParity(images.train(), threads));
        checks.add(new ShortTraining(images.train(), threads));
        if (whole) {
            checks.add(new SeedRange(SyntheticDataset.generate(EASY_IMAGES), threads));
        }
        checks.add(new AttackedAlike(images.train(), images.test(), threads));
        return new SelfTest(checks, whole, complete);
    }

    /// A check for each of some networks of the zoo: two training steps in its narrow form.
    ///
    /// @param models  some of [Models#names]
    /// @param threads of the CPU that the device is compared with
    public static SelfTest zoo(List<String> models, int threads) {
        Dataset images = SyntheticDataset.generate(IMAGES).train();
        return new SelfTest(models.stream().<DeviceCheck>map(model -> new ZooSteps(model, images, threads)).toList(), true, true);
    }

    /// Whether the cases of single operations are there, where they belong.
    public boolean isComplete() {
        return complete;
    }

    /// Runs all checks. What an accelerator refuses is a failure of its check, and the others go on.
    public List<Row> run(Device device, Listener listener) {
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
