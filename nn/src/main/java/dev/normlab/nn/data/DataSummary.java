package dev.normlab.nn.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What there is to know about a data set at a glance.
///
/// @param name what the user calls it
/// @param shape the sizes of one image
/// @param size the number of images
/// @param classNames one name for each class
/// @param counts the number of images of each class
/// @param mean mean of each channel, in [0, 1]
/// @param deviation standard deviation of each channel over all its pixels, in [0, 1]
/// @param contentHash see [Dataset#contentHash]
public record DataSummary(String name, ImageShape shape, int size, List<String> classNames, List<Integer> counts, List<Double> mean,
        List<Double> deviation, String contentHash) {

    /// Summarises a data set in one pass over its images; sums are in double precision.
    public static DataSummary of(Dataset data) {
        ImageShape shape = data.shape();
        int plane = shape.height() * shape.width();
        int[] counts = new int[data.classes()];
        double[] sums = new double[shape.channels()];
        double[] squares = new double[shape.channels()];
        float[] image = new float[shape.values()];
        for (int i = 0; i < data.size(); i++) {
            counts[data.label(i)]++;
            data.image(i, image, 0);
            for (int c = 0; c < shape.channels(); c++) {
                for (int p = c * plane; p < (c + 1) * plane; p++) {
                    double value = image[p];
                    sums[c] += value;
                    squares[c] += value * value;
                }
            }
        }
        double pixels = (double) data.size() * plane;
        List<Double> mean = new ArrayList<>();
        List<Double> deviation = new ArrayList<>();
        for (int c = 0; c < shape.channels(); c++) {
            double channelMean = sums[c] / pixels;
            mean.add(channelMean);
            deviation.add(Math.sqrt(Math.max(0, squares[c] / pixels - channelMean * channelMean)));
        }
        List<Integer> classCounts = Arrays.stream(counts).boxed().toList();
        return new DataSummary(data.name(), shape, data.size(), data.classNames(), classCounts, List.copyOf(mean), List.copyOf(deviation),
                data.contentHash());
    }
}
