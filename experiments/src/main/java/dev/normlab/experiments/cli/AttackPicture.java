package dev.normlab.experiments.cli;

import dev.normlab.attacks.RobustnessResult;
import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.plot.PictureGrid;
import dev.normlab.experiments.plot.PictureGrid.Picture;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// The picture of `attack --picture`: clean images beside what fooled the model, and their differences, magnified.
final class AttackPicture {

    private static final int MOST_ROWS = 8;

    private AttackPicture() {}

    /// Writes the first images that were fooled, at most eight.
    ///
    /// @return how many there are; without any, no file is written
    /// @throws IOException if the file cannot be written
    static int write(Path file, Dataset data, RobustnessResult result) throws IOException {
        int[] shown = IntStream.range(0, result.n()).filter(i -> result.fooledBy()[i] >= 0).limit(MOST_ROWS).toArray();
        if (shown.length == 0) {
            return 0;
        }
        List<List<Picture>> rows = new ArrayList<>();
        for (int image : shown) {
            rows.add(row(data, result, image));
        }
        byte[] png = new PictureGrid(List.of("clean", "adversarial", "difference"), rows).toPng();
        AtomicFile.write(file, out -> out.write(png));
        return shown.length;
    }

    private static List<Picture> row(Dataset data, RobustnessResult result, int image) {
        ImageShape shape = data.shape();
        int length = shape.values();
        float[] clean = new float[length];
        data.image(image, clean, 0);
        float[] moved = new float[length];
        System.arraycopy(result.adversarial(), image * length, moved, 0, length);
        float largest = 0;
        for (int j = 0; j < length; j++) {
            largest = Math.max(largest, Math.abs(moved[j] - clean[j]));
        }
        // no change is grey, the largest one black or white
        float factor = largest == 0 ? 1 : 0.5f / largest;
        float[] difference = new float[length];
        for (int j = 0; j < length; j++) {
            difference[j] = 0.5f + factor * (moved[j] - clean[j]);
        }
        String label = data.classNames().get(result.labels()[image]);
        // only images that are right without an attack are attacked, so that this is the prediction before it as well
        return List.of(picture(shape, clean, "true: " + label, "predicted: " + label),
                picture(shape, moved, "predicted: " + name(data, result.predictions()[image]),
                        "by " + result.attacks().get(result.fooledBy()[image]).name()),
                picture(shape, difference, "times " + Numbers.significant(factor, 3),
                        "length " + Numbers.significant(result.distances()[image], 3)));
    }

    private static Picture picture(ImageShape shape, float[] values, String... caption) {
        return new Picture(values, shape.channels(), shape.height(), shape.width(), List.of(caption));
    }

    /// A model may have more classes than the data.
    private static String name(Dataset data, int label) {
        return label < data.classNames().size() ? data.classNames().get(label) : "class " + label;
    }
}
