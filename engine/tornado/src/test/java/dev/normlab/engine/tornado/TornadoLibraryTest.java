package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.GpuMath;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tornado.MatrixLibrary.Product;
import dev.normlab.testkit.ContractCheck;
import dev.normlab.testkit.OperationCase;
import dev.normlab.testkit.OperationCases;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraphInterface;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Convolutions and linear layers by a library's matrix products. cuBLAS needs a device of NVIDIA's; elsewhere a kernel stands in for it
/// that takes the same arrays, so that all but the call itself is tested, and the call's arguments are compared with cuBLAS's definition.
class TornadoLibraryTest {

    private static final Set<Opcode> PRODUCTS = EnumSet.of(Opcode.CONV2D, Opcode.CONV2D_BATCH_NORM_EVAL, Opcode.CONV2D_STATISTICS,
            Opcode.CONV2D_BACKWARD_INPUT,
            Opcode.CONV2D_BACKWARD_WEIGHT, Opcode.GEMM);

    /// Few, so that convolutions of several images are made in parts.
    private static final long MOST_ELEMENTS = 3000;

    /// Cases of every opcode, none with more products of numbers than this.
    private static final int EACH = 6;
    private static final int MOST_PRODUCTS = 20_000_000;

    /// A product by the plainest of kernels.
    ///
    /// @param rounded whether factors are rounded to 10 bits behind the point, as by TF32
    private record KernelLibrary(boolean rounded, double factorRounding, KernelContext context, AtomicInteger products, AtomicInteger sums)
            implements
                MatrixLibrary {

        static KernelLibrary of(boolean rounded, double factorRounding) {
            return new KernelLibrary(rounded, factorRounding, new KernelContext(), new AtomicInteger(), new AtomicInteger());
        }

        @Override
        public String name() {
            return "a kernel";
        }

        @Override
        public void addTo(TaskGraphInterface graph, String id, Product p, FloatArray a, FloatArray b, FloatArray c) {
            products.incrementAndGet(); // twice for each: the packing of graphs looks at it, too
            sums.addAndGet(p.add() ? 1 : 0);
            int aRow = p.transposeA() ? 1 : p.k(), aStep = p.transposeA() ? p.m() : 1;
            int bStep = p.transposeB() ? 1 : p.n(), bColumn = p.transposeB() ? p.k() : 1;
            graph.task(id, KernelLibrary::multiply, context, a, b, c, p.m(), p.n(), p.k(), aRow, aStep, bStep, bColumn, p.add() ? 1 : 0,
                    rounded ? 8193f : 0f);
        }

        static void multiply(KernelContext context, FloatArray a, FloatArray b, FloatArray c, int m, int n, int k, int aRow, int aStep,
                int bStep, int bColumn, int add, float splitter) {
            int i = context.globalIdx;
            if (i < m * n) {
                float sum = 0f;
                if (add == 1) {
                    sum = c.get(i);
                }
                for (int t = 0; t < k; t++) {
                    float x = a.get(i / n * aRow + t * aStep);
                    float y = b.get(t * bStep + i % n * bColumn);
                    float xs = x * splitter; // Dekker's splitting: the upper 11 bits of a number
                    float ys = y * splitter;
                    x = splitter > 0f ? xs - (xs - x) : x;
                    y = splitter > 0f ? ys - (ys - y) : y;
                    sum = sum + x * y;
                }
                c.set(i, sum);
            }
        }

        @Override
        public WorkerGrid grid(Product product) {
            return Tasks.grid(product.m() * product.n());
        }

        @Override
        public long mostElements() {
            return MOST_ELEMENTS;
        }
    }

    private static void check(List<OperationCase> cases) {
        KernelLibrary library = KernelLibrary.of(false, 0x1p-24);
        assertEquals(List.of(), failures(library, cases));
        assertTrue(library.products.get() > 40, library.products + " products");
        assertTrue(library.sums.get() > 4, library.sums + " of them are added to others: of several parts");
    }

    private static List<String> failures(KernelLibrary library, List<OperationCase> cases) {
        List<String> failures = new ArrayList<>();
        try (Device plain = Gpu.open()) {
            TornadoAccelerator own = (TornadoAccelerator) plain.accelerator();
            try (Device device = Device.accelerated(new TornadoAccelerator(own.device(), library), 2)) {
                assertTrue(device.computes().contains("products by a kernel"), device.computes());
                for (int from = 0; from < cases.size(); from += ContractCheck.TOGETHER) {
                    failures.addAll(ContractCheck.failures(cases.subList(from, Math.min(cases.size(), from + ContractCheck.TOGETHER)),
                            device));
                }
            }
        }
        return failures;
    }

    /// Products whose factors are rounded are judged by what the library says of them, and by floats' tolerances they fail.
    @Test
    void roundedFactorsAreAllowedWhereTheLibraryRoundsThem() {
        List<OperationCase> few = few().subList(0, 2 * EACH);
        assertEquals(List.of(), failures(KernelLibrary.of(true, 0x1p-11), few));
        assertFalse(failures(KernelLibrary.of(true, 0x1p-24), few).isEmpty());
    }

    /// A few of every opcode, spread over all: of several images or with strides, with channels enough, and no products of single numbers.
    @Test
    void operationsAgreeWithTheirDefinition() {
        check(few());
    }

    private static List<OperationCase> few() {
        Map<Opcode, List<OperationCase>> all = new EnumMap<>(Opcode.class);
        OperationCases.all().stream().filter(each -> isProduct(each))
                .forEach(each -> all.computeIfAbsent(each.opcode(), _ -> new ArrayList<>()).add(each));
        List<OperationCase> few = new ArrayList<>();
        all.values().forEach(list -> IntStream.range(0, EACH).forEach(i -> few.add(list.get(i * list.size() / EACH))));
        assertTrue(few.stream().anyMatch(each -> each.attributes() instanceof Conv2dSizes s && s.strideH() > 1), "a stride");
        assertTrue(few.stream().anyMatch(each -> each.attributes() instanceof GemmSizes s && s.transposeA()), "a transposed factor");
        assertTrue(few.stream().anyMatch(each -> each.opcode() == Opcode.GEMM && each.inputs().get(2) != null), "a bias");
        return few;
    }

    private static boolean isProduct(OperationCase operation) {
        return switch (operation.attributes()) {
            case Conv2dSizes s -> isWide(s);
            case NormalisedConvolution s -> isWide(s.convolution());
            case GemmSizes s -> Math.min(s.m(), Math.min(s.n(), s.k())) > 1 && s.m() * s.n() * s.k() < MOST_PRODUCTS;
            case null, default -> false;
        };
    }

    private static boolean isWide(Conv2dSizes s) {
        return (s.n() > 1 || s.strideH() > 1) && s.groups() == 1 && Math.min(s.c(), s.o()) >= TornadoConvolutions.NARROW
                && s.outputShape().elements() * s.weightShape().elements() / s.o() < MOST_PRODUCTS;
    }

    @Tag("slow")
    @Test
    void allCasesAgreeWithTheirDefinition() {
        check(OperationCases.all().stream().filter(each -> PRODUCTS.contains(each.opcode())).toList());
    }

    @Test
    void librariesOfAnotherMakersDevicesAreRefused() {
        try (Device ignored = Gpu.open()) {
            String message = assertThrows(IllegalArgumentException.class, () -> new TornadoProvider().open(0, GpuMath.TF32)).getMessage();
            assertTrue(message.contains("products by tf32 need a TornadoVM SDK with the CUDA backend"), message);
        }
    }

    /// What `cublasSgemm` computes by its definition, with columns of matrices one after the other: c = alpha · op(a) · op(b) + beta · c.
    private static void sgemm(Object[] p) {
        boolean first = (int) p[0] == 1, second = (int) p[1] == 1;
        int rows = (int) p[2], columns = (int) p[3], terms = (int) p[4], lda = (int) p[7], ldb = (int) p[9], ldc = (int) p[12];
        FloatArray a = (FloatArray) p[6], b = (FloatArray) p[8], c = (FloatArray) p[11];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                float sum = 0f;
                for (int t = 0; t < terms; t++) {
                    sum += a.get(first ? i * lda + t : t * lda + i) * b.get(second ? t * ldb + j : j * ldb + t);
                }
                float old = (float) p[10] == 0f ? 0f : (float) p[10] * c.get(j * ldc + i);
                c.set(j * ldc + i, (float) p[5] * sum + old);
            }
        }
    }

    /// TornadoVM has one function for both, and the mode of a call beside its arguments.
    @Test
    void tensorCoresAreAModeOfTheCall() throws ReflectiveOperationException {
        Gpu.open().close();
        FloatArray one = new FloatArray(1);
        LibraryTaskDescriptor task = new CuBlas(true).describe(new Product(1, 1, 1, false, false, false), one, one, one);
        assertEquals("cublasSgemm", task.getFunctionName());
        Object mode = task.getTuning().getClass().getMethod("getMathMode").invoke(task.getTuning());
        assertEquals("CUBLAS_TF32_TENSOR_OP_MATH", mode.toString());
    }

    @Test
    void argumentsOfCublasAreThoseOfTheTransposedProduct() {
        Gpu.open().close();
        int m = 2, n = 3, k = 4;
        for (int kind = 0; kind < 8; kind++) {
            boolean transposeA = (kind & 1) == 1, transposeB = (kind & 2) == 2, add = (kind & 4) == 4;
            FloatArray a = new FloatArray(m * k), b = new FloatArray(k * n), c = new FloatArray(m * n);
            float[] expected = new float[m * n], actual = new float[m * n];
            for (int i = 0; i < m * k; i++) {
                a.set(i, i + 1f);
            }
            for (int i = 0; i < k * n; i++) {
                b.set(i, 10f - i * i);
            }
            for (int i = 0; i < m * n; i++) {
                c.set(i, 100f * i);
                expected[i] = add ? 100f * i : 0f;
                for (int t = 0; t < k; t++) {
                    expected[i] += a.get(transposeA ? t * m + i / n : i / n * k + t) * b.get(transposeB ? i % n * k + t : t * n + i % n);
                }
            }
            LibraryTaskDescriptor task = new CuBlas(false).describe(new Product(m, n, k, transposeA, transposeB, add), a, b, c);
            assertEquals("nvidia/cublas", task.getLibraryName());
            assertEquals("cublasSgemm", task.getFunctionName());
            assertNull(task.getTuning(), "float32");
            assertEquals(Access.READ_WRITE, task.getAccess()[11]);
            assertEquals(task.getParameters().length, task.getAccess().length);
            sgemm(task.getParameters());
            for (int i = 0; i < m * n; i++) {
                actual[i] = c.get(i);
            }
            assertArrayEquals(expected, actual, "transposeA " + transposeA + ", transposeB " + transposeB + ", add " + add);
        }
    }
}
