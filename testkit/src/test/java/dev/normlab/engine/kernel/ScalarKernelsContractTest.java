package dev.normlab.engine.kernel;

import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.testkit.KernelsContract;

class ScalarKernelsContractTest extends KernelsContract {

    ScalarKernelsContractTest() {
        super(new ScalarKernels());
    }
}
