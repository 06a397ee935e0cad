package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.train.Evaluation;
import dev.normlab.nn.train.Evaluator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Fifteen epochs of the short training on the device beside three on the CPU, from as many seeds: the first losses are those of the CPU
/// with the same seed, and at the end loss and accuracy on the test images lie in the range of the CPU's three runs.
///
/// Rounding makes two runs from one seed as different in the end as two runs from two seeds, and one run of four lies outside the range of
/// the other three in every second case: so the range is wider by its own length on both sides, and by at least 0.05 for the loss and 2%
/// for the accuracy, more than twice the spread that the CPU's runs were seen to have.
final class SeedRange implements DeviceCheck {

    private static final int EPOCHS = 15;
    private static final List<Integer> SEEDS = List.of(2, 3, 4);
    private static final double LEAST_ACCURACY = 0.02;
    private static final double LEAST_LOSS = 0.05;
    private static final int BATCH = 64;

    private final DataSplits data;
    private final int threads;

    /// @param data    images to train on, and to judge the trained networks with
    /// @param threads of the CPU's runs
    SeedRange(DataSplits data, int threads) {
        this.data = data;
        this.threads = threads;
    }

    @Override
    public String name() {
        return "15 epochs";
    }

    /// What has come of a training.
    ///
    /// @param first    losses
    /// @param loss     on the test images
    /// @param accuracy on the test images
    private record Run(List<Float> first, double loss, double accuracy) {}

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        List<Run> runs = new ArrayList<>();
        try (Device cpu = Device.cpu(threads)) {
            for (int seed : SEEDS) {
                runs.add(train(seed, cpu));
                progress.done(runs.size(), SEEDS.size() + 1);
            }
        }
        Run actual = train(SEEDS.getFirst(), device);
        progress.done(SEEDS.size() + 1, SEEDS.size() + 1);
        List<String> failures = ShortTraining.differences(actual.first, runs.getFirst().first);
        String loss = outside("loss", actual.loss, runs.stream().map(Run::loss).toList(), LEAST_LOSS, failures);
        String accuracy = outside("accuracy", actual.accuracy, runs.stream().map(Run::accuracy).toList(), LEAST_ACCURACY, failures);
        return new Outcome(actual.first.size() + 2, failures, loss + ", " + accuracy);
    }

    private Run train(int seed, Device device) {
        int steps = EPOCHS * (data.train().size() / ShortTraining.BATCH);
        ShortTraining.Trained trained = ShortTraining.train(data.train(), device, steps, seed, SeedRange::rate, (_, _) -> {
        });
        try (Evaluator evaluator = new Evaluator(trained.network(), BATCH, device)) {
            Evaluation evaluation = evaluator.evaluate(data.test());
            return new Run(trained.losses().subList(0, ShortTraining.CLOSE_STEPS), evaluation.loss(),
                    evaluation.correct() / (double) evaluation.count());
        }
    }

    /// Half a cosine, so that the runs come to rest and their range is narrow.
    private static double rate(int epoch) {
        return ShortTraining.RATE * 0.5 * (1 + StrictMath.cos(StrictMath.PI * epoch / EPOCHS));
    }

    /// Says where a value lies, and notes a failure if it is outside the range of the others.
    ///
    /// @param least by how much the range is wider on both sides, at least
    private static String outside(String what, double value, List<Double> others, double least, List<String> failures) {
        double low = others.stream().mapToDouble(each -> each).min().orElseThrow();
        double high = others.stream().mapToDouble(each -> each).max().orElseThrow();
        double slack = Math.max(least, high - low);
        String text = String.format(Locale.ROOT, "%s %.4f (CPU, three seeds: %.4f to %.4f)", what, value, low, high);
        if (!(value >= low - slack && value <= high + slack)) {
            failures.add("outside of the range: " + text);
        }
        return text;
    }
}
