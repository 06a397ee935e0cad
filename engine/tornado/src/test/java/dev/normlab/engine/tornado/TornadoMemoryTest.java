package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.ForkedJvm;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What TornadoVM's limit of memory does: a program within it runs, and one beyond it says how much it needs, which is what it takes.
class TornadoMemoryTest {

    private static final int TIMEOUT_SECONDS = 300;
    private static final Pattern NEEDS = Pattern.compile("needs ([\\d.]+) MiB on the device");

    /// Adds one tensor of so many elements to another on the GPU, and prints the sum or the refusal.
    static final class Adding {

        public static void main(String[] arguments) {
            int n = Integer.parseInt(arguments[0]);
            try (Device device = Gpu.open()) {
                Tensor target = Tensor.full(1f, n), factor = Tensor.scalar(3f);
                Recorder recorder = new Recorder(device);
                recorder.update(Opcode.ADD_SCALED, null, List.of(target), Tensor.full(2f, n), factor);
                try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                    program.replay(Map.of());
                    System.out.println("sum " + target.toArray()[n - 1]);
                }
            } catch (AcceleratorException e) {
                System.out.println("refused " + e.getMessage());
            }
            System.out.flush();
            Runtime.getRuntime().halt(0); // drivers may not survive an orderly end while their threads run
        }
    }

    private static String addingWithin(int mebibytes, int elements) {
        List<String> flags = new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        flags.removeIf(flag -> flag.startsWith("-javaagent") || flag.startsWith("-agentlib") || flag.startsWith("-Dtornado.device.memory"));
        flags.add("-Dtornado.device.memory=" + mebibytes + "MB");
        return ForkedJvm.run(Adding.class, flags, TIMEOUT_SECONDS, Integer.toString(elements)).stream()
                .filter(line -> line.startsWith("sum ") || line.startsWith("refused ")).findFirst().orElse("nothing");
    }

    @Test
    void sizesAreReadAsTornadoVmReadsThem() {
        assertEquals(4L << 30, MemoryLimit.bytes("4GB"));
        assertEquals(512L << 20, MemoryLimit.bytes("512MB"));
        assertEquals(1000, MemoryLimit.bytes("1000"));
        assertEquals(Long.MAX_VALUE, MemoryLimit.bytes("plenty"));
    }

    @Test
    void programsShareALimitAndGiveBackWhatTheyTook() {
        MemoryLimit limit = new MemoryLimit(100 << 20);
        limit.take(60 << 20);
        String message = assertThrows(AcceleratorException.class, () -> limit.take(50 << 20)).getMessage();
        assertTrue(message.contains("needs 50.0 MiB") && message.contains("take 100.0 MiB and has taken 60.0 MiB"), message);
        limit.giveBack(60 << 20);
        limit.take(100 << 20);
    }

    @Test
    void anArrayThatTheDeviceDoesNotGiveInOnePieceIsRefused() {
        MemoryLimit.requirePiece(100 << 20, 101 << 20);
        MemoryLimit.requirePiece(100 << 20, 0);
        String message = assertThrows(AcceleratorException.class, () -> MemoryLimit.requirePiece(100 << 20, 64 << 20)).getMessage();
        assertTrue(message.contains("needs 100.0 MiB on the device in one piece, which gives less than 64.0 MiB"), message);
    }

    @Test
    @Tag("slow")
    void aProgramThatNeedsMoreThanTheLimitSaysHowMuchAndRunsWithIt() {
        String obstacle = new TornadoProvider().obstacle().orElse("");
        assumeTrue(obstacle.isEmpty(), "skipped: " + obstacle);
        int elements = 8 << 20;
        String refused = addingWithin(32, elements);
        Matcher needs = NEEDS.matcher(refused);
        assertTrue(refused.startsWith("refused ") && needs.find() && refused.contains("tornado.device.memory"), refused);
        double mebibytes = Double.parseDouble(needs.group(1));
        assertTrue(mebibytes > 2 * 32, "two tensors of 32 MiB, but " + refused);
        String run = addingWithin((int) Math.ceil(mebibytes) + 1, elements);
        assertTrue(run.equals("sum 7.0"), "with what it said it needs: " + run);
        String less = addingWithin((int) (mebibytes * 0.9), elements);
        assertTrue(less.startsWith("refused "), "with a tenth less than it said it needs: " + less);
    }
}
