package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.StoragePool;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A place to compute: a backend's kernels with their team of threads, scratch memory and pool of arrays.
///
/// A device is used by one thread at a time. Names are those of the command line: `cpu` (the fastest backend this JVM can run), `scalar`
/// (the reference loops), `gpu` or `gpu:1` (an accelerator for recorded programs, beside the CPU for the rest).
public final class Device implements AutoCloseable {

    /// What to do to get a GPU device.
    public static final String GPU_ADVICE = "set TORNADOVM_HOME to a TornadoVM SDK (https://www.tornadovm.org/downloads; docs/gpu.md says which)";

    private static final Pattern GPU = Pattern.compile("gpu(?::(\\d{1,4}))?", Pattern.CASE_INSENSITIVE);

    private final Kernels kernels;
    private final ConvolutionMode convolutionMode;
    private final Workers workers;
    private final Workspace workspace;
    private final StoragePool pool;
    private final List<String> notices;
    private final @Nullable Accelerator accelerator;
    private final Map<String, Long> calls = new HashMap<>();
    private long repacks;

    private Device(Kernels kernels, ConvolutionMode convolutionMode, int threads, boolean poison, List<String> notices,
            @Nullable Accelerator accelerator) {
        this.kernels = kernels;
        this.convolutionMode = convolutionMode;
        this.workers = new Workers(threads);
        this.workspace = new Workspace(workers);
        this.pool = new StoragePool(poison);
        this.notices = List.copyOf(notices);
        this.accelerator = accelerator;
    }

    private Device(Kernels kernels, ConvolutionMode convolutionMode, int threads, boolean poison, List<String> notices) {
        this(kernels, convolutionMode, threads, poison, notices, null);
    }

    /// A device with these kernels.
    ///
    /// @param poison whether fresh memory is filled with NaN, which tests use
    public static Device of(Kernels kernels, int threads, boolean poison) {
        return new Device(kernels, ConvolutionMode.EXACT, threads, poison, List.of());
    }

    /// The fastest CPU backend that runs in this JVM, with exact convolutions; if that is not the vector backend, [#notices()] says why and
    /// what to do.
    public static Device cpu(int threads) {
        return cpu(threads, ConvolutionMode.EXACT);
    }

    /// The fastest CPU backend that runs in this JVM, with this mode of convolutions; if that is not the vector backend, convolutions are
    /// exact, and [#notices()] says why and what to do.
    public static Device cpu(int threads, ConvolutionMode mode) {
        List<String> notices = new ArrayList<>();
        for (KernelsProvider provider : providers()) {
            if (!provider.name().equals("vector")) {
                continue;
            }
            if (provider.obstacle().isEmpty()) {
                return new Device(provider.create(mode), mode, threads, false, List.of());
            }
            notices.add(provider.obstacle().get());
        }
        return new Device(provider("scalar").create(), ConvolutionMode.EXACT, threads, false, notices);
    }

    /// The readable reference loops.
    public static Device scalar(int threads) {
        return new Device(provider("scalar").create(), ConvolutionMode.EXACT, threads, false, List.of());
    }

    /// The device of this name, with exact convolutions.
    ///
    /// @throws IllegalArgumentException if there is none
    /// @throws IllegalStateException    if it is a GPU and what it needs is missing; the message says what to do
    public static Device open(String name, int threads) {
        return open(name, threads, ConvolutionMode.EXACT);
    }

    /// The device of this name with this mode of convolutions.
    ///
    /// @throws IllegalArgumentException if there is no such device, or it has no such mode
    /// @throws IllegalStateException    if it is a GPU and what it needs is missing; the message says what to do
    public static Device open(String name, int threads, ConvolutionMode mode) {
        return open(name, threads, mode, GpuMath.OWN);
    }

    /// The device of this name with this mode of convolutions.
    ///
    /// @param math what computes matrix products, if it is a GPU
    /// @throws IllegalArgumentException if there is no such device, or it has no such mode or products
    /// @throws IllegalStateException    if it is a GPU and what it needs is missing; the message says what to do
    public static Device open(String name, int threads, ConvolutionMode mode, GpuMath math) {
        if (math != GpuMath.OWN && !GPU.matcher(name).matches()) {
            throw new IllegalArgumentException("products by " + math + " are for GPUs, but the device is '" + name + "'");
        }
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "cpu" -> cpu(threads, mode);
            case "scalar" -> new Device(provider("scalar").create(mode), mode, threads, false, List.of());
            default -> accelerated(name, threads, mode, math);
        };
    }

    /// A CPU device with an accelerator beside it.
    public static Device accelerated(Accelerator accelerator, int threads) {
        Device cpu = cpu(threads);
        cpu.close();
        return new Device(cpu.kernels, cpu.convolutionMode, threads, false, cpu.notices, accelerator);
    }

    private static Device accelerated(String name, int threads, ConvolutionMode mode, GpuMath math) {
        Matcher gpu = GPU.matcher(name);
        if (!gpu.matches()) {
            throw new IllegalArgumentException("there is no device '" + name + "'; known devices: cpu, scalar, gpu, gpu:INDEX");
        }
        if (mode != ConvolutionMode.EXACT) {
            throw new IllegalArgumentException("the device '" + name + "' has only exact convolutions, but the mode is " + mode);
        }
        List<AcceleratorProvider> found = acceleratorProviders();
        if (found.isEmpty()) {
            throw new IllegalStateException("the device '" + name + "' needs TornadoVM, which this build is without; " + GPU_ADVICE);
        }
        String obstacle = found.getFirst().obstacle().orElse("");
        if (!obstacle.isEmpty()) {
            throw new IllegalStateException("the device '" + name + "' cannot be used: " + obstacle);
        }
        int index = gpu.group(1) == null ? 0 : Integer.parseInt(gpu.group(1));
        return accelerated(found.getFirst().open(index, math), threads);
    }

    /// All finders of accelerators on the class path.
    public static List<AcceleratorProvider> acceleratorProviders() {
        return ServiceLoader.load(AcceleratorProvider.class, Device.class.getClassLoader()).stream().map(ServiceLoader.Provider::get)
                .toList();
    }

    /// All backends on the class path.
    public static List<KernelsProvider> providers() {
        return ServiceLoader.load(KernelsProvider.class, Device.class.getClassLoader()).stream().map(ServiceLoader.Provider::get).toList();
    }

    private static KernelsProvider provider(String name) {
        return providers().stream().filter(p -> p.name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalStateException("the kernel backend '" + name + "' is missing from the class path"));
    }

    /// The backend.
    public Kernels kernels() {
        return kernels;
    }

    /// How convolutions are computed.
    public ConvolutionMode convolutionMode() {
        return convolutionMode;
    }

    /// The team of threads.
    public Workers workers() {
        return workers;
    }

    /// Scratch memory and packed weights.
    public Workspace workspace() {
        return workspace;
    }

    /// Where intermediates come from and go back to.
    public StoragePool pool() {
        return pool;
    }

    /// What runs recorded programs, or null if the CPU does.
    public @Nullable Accelerator accelerator() {
        return accelerator;
    }

    /// What computes recorded programs, as files and tables say it: the kernels' name, or the accelerator's line.
    public String computes() {
        return accelerator == null ? kernels.name() : accelerator.describe();
    }

    /// Sentences the user should see once: what this device lacks and how to mend it.
    public List<String> notices() {
        return notices;
    }

    /// How often a tensor was copied between layouts since the device was made.
    public long repacks() {
        return repacks;
    }

    /// How often an operation (by the name of its opcode) ran since the device was made.
    public long calls(String operation) {
        return calls.getOrDefault(operation, 0L);
    }

    /// Counts one run of an operation.
    public void countCall(String operation) {
        calls.merge(operation, 1L, Long::sum);
    }

    /// Counts one copy between layouts.
    public void countRepack() {
        repacks++;
    }

    @Override
    public void close() {
        workers.close();
        if (accelerator != null) {
            accelerator.close();
        }
    }
}
