package dev.normlab.testkit;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.vector.VectorKernels;
import dev.normlab.engine.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/// A program for JVMs that a test starts with shorter vectors: runs a part of the contract on the vector kernels and prints the channels
/// per block and how many cases passed. A case that fails ends the program with its error. With an argument it runs so many small cases of
/// every operation and nothing else, for machines on which every fused product is a slow call.
final class ContractProgram extends KernelsContract {

    private static final int EACH = 25;
    private static final int MAX_ELEMENTS = 6000;
    private static final int FEW_ELEMENTS = 400;

    private ContractProgram(Kernels kernels) {
        super(kernels);
    }

    public static void main(String[] arguments) {
        VectorKernels kernels = new VectorKernels();
        if (arguments.length > 0) {
            finish(kernels, OperationCases.fewOfEveryOpcode(Integer.parseInt(arguments[0]), FEW_ELEMENTS));
            return;
        }
        List<OperationCase> cases = new ArrayList<>(ConvolutionCases.fewConvolutions());
        cases.addAll(OperationCases.fewOfEveryOpcode(EACH, MAX_ELEMENTS));
        ContractProgram fast = new ContractProgram(new VectorKernels(ConvolutionMode.FAST));
        ConvolutionCases.fastConvolutions().forEach(fast::check);
        fast.closeDevices();
        finish(kernels, cases);
    }

    private static void finish(VectorKernels kernels, List<OperationCase> cases) {
        ContractProgram contract = new ContractProgram(kernels);
        cases.forEach(contract::check);
        contract.closeDevices();
        System.out.println(kernels.activationLayout(Shape.of(1, 64, 8, 8)).block());
        System.out.println(cases.size());
    }
}
