package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.SmallKernels.N;
import static dev.normlab.engine.tornado.SmallKernels.floatsOf;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tornado.SmallKernels.Kernel;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.exceptions.TornadoInternalError;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// What TornadoVM cannot translate fails loudly, and does not run in Java instead: a kernel that throws or allocates is refused, and others
/// that were refused when docs/gpu.md was written are refused or right.
class TornadoRefusalTest {

    @BeforeEach
    void needsADevice() {
        SmallKernels.needDevice();
    }

    static void throwing(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        if (floats.get(i) < 0f) {
            throw new IllegalStateException("negative");
        }
        floats.set(i, 1f);
    }

    static void fused(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        floats.set(i, Math.fma(floats.get(i), 2f, 1f));
    }

    static void allocating(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        float[] copy = new float[i + 1];
        copy[i] = floats.get(i);
        floats.set(i, copy[i] + copy.length);
    }

    static void constantSide(KernelContext context, FloatArray floats, int n) {
        int i = context.globalIdx;
        int inside = i < n && n > 3 ? 1 : 0;
        floats.set(i, inside);
    }

    static void flagged(KernelContext context, FloatArray floats, boolean negative) {
        int i = context.globalIdx;
        floats.set(i, negative ? -1f : 1f);
    }

    private static final float[] TABLE = {1f, 2f, 3f, 4f};

    static void tabled(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        floats.set(i, TABLE[i & 3]);
    }

    static void undefined(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        floats.set(i, floats.get(i) > 2f ? Float.NaN : 1f);
    }

    static void deepLoops(FloatArray floats) {
        for (@Parallel int a = 0; a < 4; a++) {
            for (@Parallel int b = 0; b < 4; b++) {
                for (@Parallel int c = 0; c < 4; c++) {
                    for (@Parallel int d = 0; d < 4; d++) {
                        floats.set(((a * 4 + b) * 4 + c) * 4 + d, a + b + c + d);
                    }
                }
            }
        }
    }

    /// A kernel that cannot be translated throws. (Were it run in Java instead, every thread would be thread 0.)
    private static void assertRightOrRefused(Kernel kernel, float[] right) {
        float[] found;
        try {
            found = floatsOf(kernel, 1f, 2f, 3f, 4f);
        } catch (RuntimeException | TornadoInternalError e) {
            return;
        }
        assertArrayEquals(right, Arrays.copyOf(found, right.length), "a kernel ran that is neither right nor refused");
    }

    /// A kernel that TornadoVM cannot translate is refused by TornadoVM, on a device on which others run.
    private static void assertRefused(Kernel kernel) {
        Throwable refusal = assertThrows(Throwable.class, () -> floatsOf(kernel, 1f, 2f));
        assertTrue(refusal.getClass().getName().startsWith("uk.ac.manchester.tornado")
                || refusal.getClass().getName().startsWith("org.graalvm")
                || refusal.getClass().getName().startsWith("jdk.graal"), "not TornadoVM's refusal: " + refusal);
        mathematicsOfTornado();
    }

    @Test
    void aKernelThatThrowsIsRefused() {
        assertRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::throwing, c, floats));
    }

    @Test
    void aKernelThatAllocatesIsRefused() {
        assertRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::allocating, c, floats));
    }

    @Test
    void aFusedProductIsRightOrRefused() {
        assertRightOrRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::fused, c, floats), new float[] {3f, 5f, 7f, 9f});
    }

    @Test
    void aSideThatIsConstantIsRightOrRefused() {
        assertRightOrRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::constantSide, c, floats, N),
                new float[] {1f, 1f, 1f, 1f});
    }

    @Test
    void aBooleanArgumentIsRightOrRefused() {
        assertRightOrRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::flagged, c, floats, true),
                new float[] {-1f, -1f, -1f});
    }

    @Test
    void aStaticArrayIsRightOrRefused() {
        assertRightOrRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::tabled, c, floats), new float[] {1f, 2f, 3f, 4f});
    }

    @Test
    void aConstantThatIsNoNumberIsRightOrRefused() {
        assertRightOrRefused((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::undefined, c, floats),
                new float[] {1f, 1f, Float.NaN, Float.NaN});
    }

    @Test
    void fourNestedParallelLoopsAreRightOrRefused() {
        FloatArray floats = new FloatArray(N);
        TaskGraph graph = new TaskGraph("deep").transferToDevice(DataTransferMode.EVERY_EXECUTION, floats)
                .task("kernel", TornadoRefusalTest::deepLoops, floats).transferToHost(DataTransferMode.EVERY_EXECUTION, floats);
        try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
            plan.execute();
        } catch (RuntimeException | TornadoInternalError | TornadoExecutionPlanException e) {
            return;
        }
        for (int i = 0; i < N; i++) {
            assertEquals((i >> 6) + (i >> 4 & 3) + (i >> 2 & 3) + (i & 3), floats.get(i), "a kernel ran that is neither right nor refused");
        }
    }

    @Test
    void mathematicsOfTornadoIsTranslated() {
        mathematicsOfTornado();
    }

    private static void mathematicsOfTornado() {
        float[] found = floatsOf((g, c, floats, _) -> g.task("kernel", TornadoRefusalTest::root, c, floats), 4f, 9f);
        assertArrayEquals(new float[] {2f, 3f}, Arrays.copyOf(found, 2));
    }

    static void root(KernelContext context, FloatArray floats) {
        int i = context.globalIdx;
        floats.set(i, TornadoMath.sqrt(floats.get(i)));
    }
}
