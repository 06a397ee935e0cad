package dev.normlab.experiments.interchange;

import dev.normlab.experiments.interchange.TensorBoardEvents.Point;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A run folder's metrics and norms as an event file of TensorBoard inside the folder: `tensorboard --logdir runs` shows all runs.
public final class RunEvents {

    /// The name of the file; TensorBoard looks for `tfevents` in names.
    public static final String FILE = "events.out.tfevents.normlab";

    private RunEvents() {}

    /// Brings the event file of a run up to date with its lines, one point for each epoch at its number of steps.
    public static void update(RunFolder folder) throws IOException {
        RunFolder.Contents run = folder.read();
        double started = run.info().started().toEpochMilli() / 1000.0;
        List<Point> points = new ArrayList<>();
        for (MetricsLine line : run.metrics()) {
            Map<String, Double> scalars = new LinkedHashMap<>();
            scalars.put("loss/training", line.loss());
            scalars.put("loss/test", line.testLoss());
            scalars.put("accuracy/training", line.accuracy());
            scalars.put("accuracy/training, adversarial", line.robustAccuracy());
            scalars.put("accuracy/test", line.testAccuracy());
            scalars.put("sum of l1 norms/convolutions and linear layers", line.normSumL1());
            scalars.put("sum of l1 norms/batch norm", line.normSumL1Bn());
            scalars.put("training/learning rate", line.lr());
            scalars.put("training/images per second", line.imagesPerSecond());
            for (NormLine norm : run.norms()) {
                if (norm.epoch() == line.epoch()) {
                    scalars.put("l1 norm/" + norm.layer(), norm.l1());
                    scalars.put("linf norm/" + norm.layer(), norm.linf());
                }
            }
            points.add(new Point(started + line.seconds(), line.step(), scalars));
        }
        TensorBoardEvents.update(folder.path().resolve(FILE), points);
    }
}
