package dev.normlab.experiments.study;

import dev.normlab.experiments.run.TrainingSettings;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The seeds of a study's runs.
///
/// A seed is a hash of the run's own settings, the number of the repetition and the study's seed, and of nothing else: which other runs
/// there are, and in what order, changes no run. Where the data lies, how convolutions are computed and where batch norm's
/// statistics come from do not count either, so that these can be compared.
final class Seeds {

    private static final List<String> LEFT_OUT = List.of("data", "conv", "seed", "init", "bn_statistics");
    /// Settings that came later: at these values they leave the seeds as they were.
    private static final Map<String, String> CAME_LATER = Map.of("svc_as", "circular");
    /// Seeds have 48 bits, which every program that reads JSON keeps.
    private static final int DROPPED_BITS = 16;

    private Seeds() {}

    static long of(long studySeed, TrainingSettings settings, int replicate) {
        Map<String, String> map = new TreeMap<>(settings.toMap());
        LEFT_OUT.forEach(map::remove);
        CAME_LATER.forEach(map::remove);
        StringBuilder text = new StringBuilder("normlab run 1\n");
        map.forEach((key, value) -> text.append(key).append('=').append(value).append('\n'));
        text.append("replicate=").append(replicate).append("\nstudy=").append(studySeed).append('\n');
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(hash).getLong() >>> DROPPED_BITS;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
