package dev.normlab.attacks;

import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// How far an evaluation has come: enough to go on after any batch and end with the same result, bit for bit.
///
/// A state file is an npz archive that names its evaluation by a hash of the attacks and their options, the threat model, the seed, the
/// images, and the network's operations and weights.
final class EvaluationState {

    private static final int RESULT_FIELDS = 8;
    /// Of the arrays in a file and of what attacks do; part of the identity, so that files of other versions are refused.
    private static final String FORMAT = "state 4";

    final float[] adversarial;
    final int[] predictions;
    final int[] fooledBy;
    final List<RobustnessResult.AttackResult> finished = new ArrayList<>();
    int rejected;
    /// Of the attack that is under way.
    double seconds;
    private Map<String, NumberArray> underWay = Map.of();

    EvaluationState(float[] adversarial, int[] predictions, int[] fooledBy) {
        this.adversarial = adversarial;
        this.predictions = predictions;
        this.fooledBy = fooledBy;
    }

    /// Writes everything, atomically.
    ///
    /// @param current the images of the attack that is under way; absent between attacks
    void write(Path file, byte[] identity, Optional<Points> current) throws IOException {
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        int n = fooledBy.length;
        arrays.put("identity", new NumberArray.Bytes(Shape.of(identity.length), identity));
        arrays.put("adversarial", new NumberArray.Floats(Shape.of(n, adversarial.length / Math.max(n, 1)), adversarial));
        arrays.put("predictions", new NumberArray.Ints(Shape.of(n), predictions));
        arrays.put("fooled_by", new NumberArray.Ints(Shape.of(n), fooledBy));
        long[] results = new long[finished.size() * RESULT_FIELDS];
        for (int a = 0; a < finished.size(); a++) {
            RobustnessResult.AttackResult r = finished.get(a);
            long[] fields = {r.attacked(), r.fooled(), r.robustCorrect(), Double.doubleToLongBits(r.seconds()), r.forwardPasses(),
                r.backwardPasses(), r.zeroGradients(), r.unconfirmed()};
            System.arraycopy(fields, 0, results, a * RESULT_FIELDS, RESULT_FIELDS);
        }
        arrays.put("finished", new NumberArray.Longs(Shape.of(finished.size(), RESULT_FIELDS), results));
        arrays.put("counts", new NumberArray.Longs(Shape.of(2), new long[] {rejected, Double.doubleToLongBits(seconds)}));
        current.ifPresent(points -> arrays.putAll(points.state()));
        Npz.write(file, arrays);
    }

    /// Takes over what a state file says, if there is one.
    ///
    /// @param attacks of the evaluation
    /// @param classes of the model
    /// @throws FormatException if it belongs to another evaluation
    /// @throws IOException     if it cannot be read
    void read(Path file, byte[] identity, List<Attack> attacks, int classes) throws IOException {
        if (!Files.exists(file)) {
            return;
        }
        Map<String, NumberArray> arrays = Npz.read(file);
        if (!(arrays.get("identity") instanceof NumberArray.Bytes known) || !Arrays.equals(known.values(), identity)) {
            throw new FormatException(file.toString(),
                    "expected the state of this evaluation, but it belongs to another one (other attacks, "
                            + "options, images, weights, device or seed, or another version of this program); remove it, or choose another file");
        }
        System.arraycopy(((NumberArray.Floats) get(arrays, "adversarial")).values(), 0, adversarial, 0, adversarial.length);
        System.arraycopy(((NumberArray.Ints) get(arrays, "predictions")).values(), 0, predictions, 0, predictions.length);
        System.arraycopy(((NumberArray.Ints) get(arrays, "fooled_by")).values(), 0, fooledBy, 0, fooledBy.length);
        long[] results = ((NumberArray.Longs) get(arrays, "finished")).values();
        for (int a = 0; a < results.length / RESULT_FIELDS; a++) {
            long[] f = Arrays.copyOfRange(results, a * RESULT_FIELDS, (a + 1) * RESULT_FIELDS);
            Attack attack = attacks.get(a);
            finished.add(new RobustnessResult.AttackResult(attack.name(), (int) f[0], (int) f[1], (int) f[2], Double.longBitsToDouble(f[3]),
                    f[4], f[5], (int) f[6], (int) f[7], attack.isExactFor(classes)));
        }
        long[] counts = ((NumberArray.Longs) get(arrays, "counts")).values();
        rejected = (int) counts[0];
        seconds = Double.longBitsToDouble(counts[1]);
        underWay = arrays.containsKey(Points.STATE_NAME) ? arrays : Map.of();
    }

    /// Lets the images of the attack that was under way go on where they stood; the images of later attacks are new.
    void restore(Points current) {
        if (!underWay.isEmpty()) {
            current.restore(underWay);
            underWay = Map.of();
        }
    }

    private static NumberArray get(Map<String, NumberArray> arrays, String name) {
        return Objects.requireNonNull(arrays.get(name), name);
    }

    /// The hash that names an evaluation.
    static byte[] identity(List<Attack> attacks, ThreatModel threat, boolean individual, long seed, Dataset data, Layer model,
            Device device) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        StringBuilder text = new StringBuilder(FORMAT).append('\n');
        attacks.forEach(attack -> text.append(attack.name()).append(' ').append(attack.settings(data)).append('\n'));
        text.append(threat).append(' ').append(individual).append(' ').append(seed).append(' ').append(device.computes())
                .append(' ').append(device.convolutionMode())
                .append(' ').append(data.contentHash()).append('\n');
        digest.update(text.toString().getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < data.size(); i++) {
            digest.update(ByteBuffer.allocate(4).putInt(data.record(i)).flip());
        }
        addNetwork(digest, model, device, data.shape());
        return digest.digest();
    }

    /// The operations of the model in eval mode, and all that they read: weights, running statistics, constants.
    private static void addNetwork(MessageDigest digest, Layer model, Device device, ImageShape image) {
        LayerModes modes = LayerModes.evaluating(model);
        try {
            StepProgram program = Victim.program(model, device, Shape.of(1, image.channels(), image.height(), image.width()));
            digest.update(program.listing().getBytes(StandardCharsets.UTF_8));
            for (StepProgram.Value value : program.values()) {
                digest.update(value.spec().toString().getBytes(StandardCharsets.UTF_8));
                Storage storage = value.storage();
                if (storage != null) {
                    digest.update(bytes(storage));
                }
            }
        } finally {
            modes.restore();
        }
    }

    private static ByteBuffer bytes(Storage storage) {
        boolean floating = storage.dtype() == DType.FLOAT32;
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * (floating ? storage.floats().length : storage.ints().length));
        if (floating) {
            bytes.asFloatBuffer().put(storage.floats());
        } else {
            bytes.asIntBuffer().put(storage.ints());
        }
        return bytes;
    }
}
