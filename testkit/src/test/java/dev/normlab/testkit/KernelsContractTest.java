package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

/// The contract finds kernels that break it.
class KernelsContractTest {

    private static final Tensor X = Samples.uniform(1, 2, 3, 2, 2);
    private static final OperationCase NEGATE = OperationCase.of("of images", Opcode.UNARY, UnaryFunction.NEGATE, X.spec(),
            () -> Expected.exactly(24, i -> -X.toArray()[i]), X);

    /// What a broken kernel does after the right thing.
    private interface Fault {

        void spoil(Storage x, Storage y, Workspace workspace);
    }

    private static final class Contract extends KernelsContract {

        private Contract(Kernels kernels) {
            super(kernels);
        }
    }

    /// The scalar kernels with activations in blocks of four and a fault in the unary functions.
    private static Kernels faulty(Fault fault) {
        ScalarKernels scalar = new ScalarKernels();
        Class<?>[] elementwise = {ElementwiseKernels.class};
        Object spoiled = Proxy.newProxyInstance(KernelsContractTest.class.getClassLoader(), elementwise, (_, method, arguments) -> {
            Object result = call(scalar.elementwise(), method, arguments);
            if (method.getName().equals("unary")) {
                fault.spoil((Storage) arguments[1], (Storage) arguments[2], (Workspace) arguments[3]);
            }
            return result;
        });
        return (Kernels) Proxy.newProxyInstance(KernelsContractTest.class.getClassLoader(), new Class<?>[] {Kernels.class},
                (_, method, arguments) -> switch (method.getName()) {
                    case "elementwise" -> spoiled;
                    case "activationLayout" -> ((Shape) arguments[0]).rank() == 4 ? Layout.blocked(4) : Layout.PLAIN;
                    default -> call(scalar, method, arguments);
                });
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static void check(Fault fault, OperationCase operation) {
        Contract contract = new Contract(faulty(fault));
        try {
            contract.check(operation);
        } finally {
            contract.closeDevices();
        }
    }

    private static void finds(String message, Fault fault) {
        finds(message, fault, NEGATE);
    }

    private static void finds(String message, Fault fault, OperationCase operation) {
        AssertionError error = assertThrows(AssertionError.class, () -> check(fault, operation));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void kernelsWithoutFaultPass() {
        check((_, _, _) -> {
        }, NEGATE);
    }

    @Test
    void aWrongElementIsFound() {
        finds("elements are off", (_, y, _) -> y.floats()[1] += 1e-6f);
    }

    @Test
    void anUnwrittenElementIsFound() {
        finds("elements are off", (_, y, _) -> y.floats()[2] = Float.NaN);
    }

    @Test
    void aPaddingLaneThatIsNotZeroIsFound() {
        finds("padding lane", (_, y, _) -> {
            if (y.layout().isBlocked()) {
                y.floats()[3] = 1e-30f;
            }
        });
    }

    @Test
    void aChangedInputIsFound() {
        finds("was modified", (x, _, _) -> x.floats()[0] = -x.floats()[0]);
    }

    @Test
    void aResultThatDependsOnTheNumberOfThreadsIsFound() {
        OperationCase loose = OperationCase.of("of images", Opcode.UNARY, UnaryFunction.NEGATE, X.spec(),
                () -> Expected.rounded(20, 1, Expected.fill(24, i -> -X.toArray()[i])), X);
        finds("three threads", (_, y, workspace) -> {
            if (workspace.workers().threads() == 3 && y.floats()[0] != 0) {
                y.floats()[0] = Math.nextUp(y.floats()[0]);
            }
        }, loose);
    }
}
