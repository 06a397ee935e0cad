package dev.normlab.nn.data;

import dev.normlab.engine.tensor.RandomStream;

/// Draws one image of the synthetic data set: a shape with a fine texture on a mottled background, then pixel noise.
///
/// All lengths are in units of 1/32 of the image's size. Colours are in [0, 1]. Only exact and StrictMath operations are used, so that the
/// same random stream gives the same bytes everywhere.
final class TexturedShape {

    /// The outline.
    enum Form {
        DISK, SQUARE, TRIANGLE, RING, CROSS
    }

    /// The fine pattern inside.
    enum Texture {
        STRIPED, CHECKED
    }

    /// What is drawn at random for one image before its pixels.
    ///
    /// @param centreX column of the shape's centre
    /// @param centreY row of the shape's centre
    /// @param radius of the circle around the shape
    /// @param cos cosine of the shape's rotation
    /// @param sin sine of the shape's rotation
    /// @param textureCos cosine of the texture's rotation over the period
    /// @param textureSin sine of the texture's rotation over the period
    /// @param phaseU shift of the texture along its first direction, in periods
    /// @param phaseV shift of the texture along its second direction, in periods
    /// @param amplitude of the texture
    private record Pose(float centreX, float centreY, float radius, float cos, float sin, float textureCos, float textureSin, float phaseU,
            float phaseV,
            float amplitude) {}

    private static final int CHANNELS = 3;
    private static final float UNITS = 32;
    private static final float SMALLEST_RADIUS = 10;
    private static final float LARGEST_SHIFT = 3;
    private static final float LARGEST_TURN = 0.3f;
    private static final float LARGEST_RADIUS = 13;
    private static final float SHORTEST_PERIOD = 3.6f;
    private static final float LONGEST_PERIOD = 5f;
    private static final float FAINTEST_TEXTURE = -0.03f;
    private static final float STRONGEST_TEXTURE = 0.25f;
    private static final float LEAST_CONTRAST = 0.2f;
    private static final float MOTTLE_AMPLITUDE = 0.10f;
    private static final float MOTTLE_CELL = 6;
    private static final float NOISE = 0.1f;

    private final int size;
    private final float difficulty;
    private final float[] mottle;
    private final int mottleCells;

    /// @param size height and width of the image in pixels
    /// @param difficulty 1 is the default, 0 gives strong textures without noise
    TexturedShape(int size, float difficulty) {
        this.size = size;
        this.difficulty = difficulty;
        this.mottleCells = (int) (UNITS / MOTTLE_CELL) + 2;
        this.mottle = new float[mottleCells * mottleCells];
    }

    /// Draws an image.
    ///
    /// @param random everything random comes from here
    /// @param target receives the image, `[3, size, size]`
    /// @param offset where in `target` it starts
    void draw(Form form, Texture texture, RandomStream random, byte[] target, int offset) {
        Pose pose = pose(random);
        float[] inside = new float[CHANNELS];
        float[] outside = new float[CHANNELS];
        colours(random, inside, outside);
        random.fillUniform(mottle, -MOTTLE_AMPLITUDE, MOTTLE_AMPLITUDE);
        float unit = UNITS / size;
        for (int row = 0; row < size; row++) {
            for (int column = 0; column < size; column++) {
                float x = (column + 0.5f) * unit;
                float y = (row + 0.5f) * unit;
                float coverage = coverage(form, pose, x, y, unit);
                float grain = coverage * pose.amplitude * texture(texture, pose, x, y) + (1 - coverage) * mottle(x, y);
                for (int c = 0; c < CHANNELS; c++) {
                    float value = outside[c] + coverage * (inside[c] - outside[c]) + grain + noise(random);
                    target[offset + (c * size + row) * size + column] = (byte) Math.round(255 * Math.clamp(value, 0f, 1f));
                }
            }
        }
    }

    private Pose pose(RandomStream random) {
        float radius = random.uniform(SMALLEST_RADIUS, LARGEST_RADIUS);
        float centreX = UNITS / 2 + random.uniform(-LARGEST_SHIFT, LARGEST_SHIFT);
        float centreY = UNITS / 2 + random.uniform(-LARGEST_SHIFT, LARGEST_SHIFT);
        double angle = random.uniform(-LARGEST_TURN, LARGEST_TURN);
        double textureAngle = random.uniform(-LARGEST_TURN, LARGEST_TURN);
        double period = random.uniform(SHORTEST_PERIOD, LONGEST_PERIOD);
        float strength = random.uniform(FAINTEST_TEXTURE, STRONGEST_TEXTURE);
        float amplitude = difficulty == 0 ? 2 * STRONGEST_TEXTURE : Math.max(0, strength) / Math.max(difficulty, 0.5f);
        return new Pose(centreX, centreY, radius, (float) StrictMath.cos(angle), (float) StrictMath.sin(angle),
                (float) (StrictMath.cos(textureAngle) / period), (float) (StrictMath.sin(textureAngle) / period), random.nextFloat(),
                random.nextFloat(), amplitude);
    }

    /// Two random colours, that of the shape brighter by at least the least contrast (in the mean of the channels).
    private static void colours(RandomStream random, float[] inside, float[] outside) {
        float contrast = 0;
        while (contrast < LEAST_CONTRAST) {
            random.fillUniform(inside, 0.45f, 0.95f);
            random.fillUniform(outside, 0.05f, 0.55f);
            contrast = (inside[0] + inside[1] + inside[2] - outside[0] - outside[1] - outside[2]) / CHANNELS;
        }
    }

    /// How much of a pixel the shape covers, 0 to 1, from the distance of its centre to the outline.
    private static float coverage(Form form, Pose pose, float x, float y, float unit) {
        float dx = x - pose.centreX;
        float dy = y - pose.centreY;
        float u = (pose.cos * dx + pose.sin * dy) / pose.radius;
        float v = (pose.cos * dy - pose.sin * dx) / pose.radius;
        float distance = switch (form) {
            case DISK -> length(u, v) - 0.85f;
            case SQUARE -> Math.max(Math.abs(u), Math.abs(v)) - 0.75f;
            // Three half planes; the corners lie on the unit circle.
            case TRIANGLE -> Math.max(-v, Math.max(0.8660254f * u + 0.5f * v, -0.8660254f * u + 0.5f * v)) - 0.5f;
            case RING -> Math.abs(length(u, v) - 0.7f) - 0.3f;
            case CROSS -> Math.min(Math.max(Math.abs(u) - 0.35f, Math.abs(v) - 1), Math.max(Math.abs(v) - 0.35f, Math.abs(u) - 1));
        };
        return Math.clamp(0.5f - distance * pose.radius / unit, 0f, 1f);
    }

    private static float length(float u, float v) {
        return (float) Math.sqrt(u * u + v * v);
    }

    /// The pattern at a place, -1 to 1. Stripes are one wave, checks the product of two at right angles.
    private static float texture(Texture texture, Pose pose, float x, float y) {
        float first = wave(pose.textureCos * x + pose.textureSin * y + pose.phaseU);
        return texture == Texture.STRIPED ? first : first * wave(pose.textureCos * y - pose.textureSin * x + pose.phaseV);
    }

    /// Close to a sine of period 1: a triangle wave, smoothed at its tips.
    private static float wave(float t) {
        float triangle = 1 - 4 * Math.abs(t - (float) Math.floor(t) - 0.5f);
        return triangle * (1.5f - 0.5f * triangle * triangle);
    }

    /// The slowly varying brightness of the background: random at the corners of a grid, bilinear between.
    private float mottle(float x, float y) {
        int column = (int) (x / MOTTLE_CELL);
        int row = (int) (y / MOTTLE_CELL);
        float right = x / MOTTLE_CELL - column;
        float down = y / MOTTLE_CELL - row;
        int corner = row * mottleCells + column;
        float above = mottle[corner] + right * (mottle[corner + 1] - mottle[corner]);
        float below = mottle[corner + mottleCells] + right * (mottle[corner + mottleCells + 1] - mottle[corner + mottleCells]);
        return above + down * (below - above);
    }

    /// Noise with a triangular distribution: the sum of two uniform numbers, from the halves of one word.
    private float noise(RandomStream random) {
        int bits = random.nextBits();
        return difficulty * NOISE * ((bits >>> 16) - (bits & 0xFFFF)) * 0x1p-16f;
    }
}
