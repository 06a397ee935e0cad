package dev.normlab.attacks;

import dev.normlab.engine.tensor.RandomStream;

/// First iterates of attacks.
final class RandomStart {

    private RandomStart() {}

    /// Moves an image to a uniformly random point of the ball around it, then into [0, 1].
    ///
    /// A uniform point of the Euclidean ball in `d` dimensions is a Gaussian direction times `eps · u^(1/d)`.
    static void uniform(ThreatModel threat, float[] images, int offset, int length, RandomStream random) {
        switch (threat.ball()) {
            case LINF -> {
                for (int i = offset; i < offset + length; i++) {
                    float low = images[i] - threat.eps();
                    float high = images[i] + threat.eps();
                    float moved = images[i] + random.uniform(-threat.eps(), threat.eps());
                    images[i] = clip(Math.min(Math.max(moved, low), high));
                }
            }
            case L2 -> {
                float[] direction = new float[length];
                random.fillNormal(direction, 0, 1);
                double squares = 0;
                for (float value : direction) {
                    squares += (double) value * value;
                }
                double radius = threat.eps() * StrictMath.pow(random.nextFloat(), 1.0 / length);
                double factor = squares == 0 ? 0 : radius / Math.sqrt(squares);
                for (int i = 0; i < length; i++) {
                    images[offset + i] = clip((float) (images[offset + i] + factor * direction[i]));
                }
            }
        }
    }

    private static float clip(float value) {
        return Math.min(Math.max(value, 0f), 1f);
    }
}
