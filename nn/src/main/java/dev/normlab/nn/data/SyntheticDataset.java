package dev.normlab.nn.data;

import dev.normlab.engine.tensor.RandomStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A deterministic data set that needs no download: ten classes of textured shapes, five shapes times two textures.
///
/// Position, size, rotation, colours, contrast and background are random in every image, so the shape takes learning; what tells the two
/// classes of one shape apart is a fine texture of low amplitude under pixel noise, so that a small network reaches 80 to 95% after a few
/// epochs and a perturbation of 8/255 can erase or forge the evidence. Image `i` of a split has class `i % 10` and depends on the seed, the
/// split and `i` alone: a larger set starts with the smaller one's images.
public final class SyntheticDataset {

    /// The ten classes; class `2 * shape + texture`.
    static final List<String> CLASS_NAMES = classNames();

    private SyntheticDataset() {}

    /// What to make.
    ///
    /// @param size height and width of the images in pixels, at least 16; shapes and textures scale with it
    /// @param train number of training images
    /// @param test number of test images
    /// @param seed which of many such data sets
    /// @param difficulty 1 is the default; larger means fainter textures under more noise, 0 clean images
    public record Config(int size, int train, int test, long seed, double difficulty) {

        private static final int MAX_IMAGES = 1_000_000;

        /// Checks the values.
        ///
        /// @throws DataException if a number is out of range
        public Config {
            check("size", size, 16, 256);
            check("train", train, 1, MAX_IMAGES);
            check("test", test, 1, MAX_IMAGES);
            if (!(difficulty >= 0 && difficulty <= 10)) {
                throw new DataException("The synthetic data set's difficulty must be from 0 to 10, but it is " + difficulty + ".");
            }
            long bytes = (long) Math.max(train, test) * 3 * size * size;
            if (bytes > Integer.MAX_VALUE - 64) {
                throw new DataException(
                        "The synthetic data set would need " + bytes + " bytes in one array; choose fewer or smaller images.");
            }
        }

        private static void check(String key, int value, int low, int high) {
            if (value < low || value > high) {
                throw new DataException(
                        "The synthetic data set's " + key + " must be from " + low + " to " + high + ", but it is " + value + ".");
            }
        }

        /// 5,000 training and 1,000 test images of 32x32, seed 0, difficulty 1.
        public static Config standard() {
            return new Config(32, 5000, 1000, 0, 1);
        }
    }

    /// Makes both splits, as bytes.
    public static DataSplits generate(Config config) {
        return new DataSplits(split(config, "train", config.train), split(config, "test", config.test), List.of());
    }

    private static Dataset split(Config config, String split, int count) {
        ImageShape shape = new ImageShape(3, config.size, config.size);
        byte[] images = new byte[count * shape.values()];
        int[] labels = new int[count];
        TexturedShape renderer = new TexturedShape(config.size, (float) config.difficulty);
        for (int i = 0; i < count; i++) {
            labels[i] = i % CLASS_NAMES.size();
            RandomStream random = RandomStream.of(config.seed, "synthetic " + split, i);
            renderer.draw(TexturedShape.Form.values()[labels[i] / 2], TexturedShape.Texture.values()[labels[i] % 2], random, images,
                    i * shape.values());
        }
        return Dataset.ofBytes("synthetic", shape, CLASS_NAMES, images, labels);
    }

    private static List<String> classNames() {
        List<String> names = new ArrayList<>();
        for (TexturedShape.Form form : TexturedShape.Form.values()) {
            for (TexturedShape.Texture texture : TexturedShape.Texture.values()) {
                names.add((texture + " " + form).toLowerCase(Locale.ROOT));
            }
        }
        return List.copyOf(names);
    }
}
