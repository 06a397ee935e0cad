package dev.normlab.nn.data;

/// Scales an image to another height and width with a triangle filter: bilinear interpolation where it is enlarged, and a weighted mean
/// over the area where it is reduced, so that nothing aliases. The same as PyTorch's
/// `interpolate(mode="bilinear", antialias=True, align_corners=False)`.
final class ImageScaler {

    private ImageScaler() {}

    /// For every place along one side, which places of the source it is made from and with what weights, which sum to 1.
    private record Filter(int[] first, float[][] weights) {

        static Filter of(int from, int to) {
            int[] first = new int[to];
            float[][] weights = new float[to][];
            double scale = (double) from / to;
            double support = Math.max(scale, 1);
            for (int i = 0; i < to; i++) {
                double centre = (i + 0.5) * scale;
                int low = (int) Math.max(0, Math.floor(centre - support + 0.5));
                int high = (int) Math.min(from, Math.floor(centre + support + 0.5));
                double[] triangle = new double[high - low];
                double sum = 0;
                for (int j = low; j < high; j++) {
                    triangle[j - low] = Math.max(0, 1 - Math.abs((j + 0.5 - centre) / support));
                    sum += triangle[j - low];
                }
                first[i] = low;
                weights[i] = new float[high - low];
                for (int j = 0; j < triangle.length; j++) {
                    weights[i][j] = (float) (triangle[j] / sum);
                }
            }
            return new Filter(first, weights);
        }
    }

    /// Scales one channel.
    ///
    /// @param plane the source, `[height, width]`
    /// @return the scaled channel, `[newHeight, newWidth]`
    static float[] scale(float[] plane, int height, int width, int newHeight, int newWidth) {
        Filter across = Filter.of(width, newWidth);
        float[] narrow = new float[height * newWidth];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < newWidth; x++) {
                float[] weights = across.weights[x];
                float sum = 0;
                for (int j = 0; j < weights.length; j++) {
                    sum += weights[j] * plane[y * width + across.first[x] + j];
                }
                narrow[y * newWidth + x] = sum;
            }
        }
        Filter down = Filter.of(height, newHeight);
        float[] scaled = new float[newHeight * newWidth];
        for (int y = 0; y < newHeight; y++) {
            float[] weights = down.weights[y];
            for (int x = 0; x < newWidth; x++) {
                float sum = 0;
                for (int j = 0; j < weights.length; j++) {
                    sum += weights[j] * narrow[(down.first[y] + j) * newWidth + x];
                }
                scaled[y * newWidth + x] = sum;
            }
        }
        return scaled;
    }
}
