package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.model.Summary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Where and with what something was computed.
public final class Provenance {

    private static final String COMPUTED_BY = "kernels";

    /// What every GPU says of itself in [Device#computes].
    private static final String GPU = "TornadoVM";

    private Provenance() {}

    /// The version of this program, with the commit of its sources where that is known, for example `0.1.0 (commit 1a2b3c4d5e6f, changed)`.
    public static String version() {
        String version = Optional.ofNullable(Provenance.class.getPackage().getImplementationVersion()).orElse("development");
        return version + commit(System.getProperty("normlab.commit", ""));
    }

    /// A commit as `git describe --always --dirty` names it, in words.
    static String commit(String described) {
        String commit = described.strip();
        boolean changed = commit.endsWith("-dirty");
        return commit.isEmpty()
                ? ""
                : " (commit " + (changed ? commit.substring(0, commit.length() - "-dirty".length()) + ", changed" : commit) + ")";
    }

    /// Program, Java, machine, kernels with the algorithms of the fast mode, and data.
    public static Map<String, String> of(Device device, Summary summary, DataSplits data) {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("normlab", version());
        map.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        map.put("machine",
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", " + Runtime.getRuntime().availableProcessors()
                        + " processors");
        processor().ifPresent(name -> map.put("processor", name));
        map.put(COMPUTED_BY, device.computes());
        if (device.accelerator() == null && device.kernels().vectorBits() > 0) {
            map.put("vector_bits", Integer.toString(device.kernels().vectorBits())); // the order of sums depends on it
        }
        map.put("convolutions", device.convolutionMode().toString());
        if (device.convolutionMode() != ConvolutionMode.EXACT) {
            map.put("convolution_algorithms", algorithms(summary));
        }
        map.put("threads", Integer.toString(device.workers().threads()));
        map.put("train_data_sha256", data.train().contentHash());
        map.put("test_data_sha256", data.test().contentHash());
        return map;
    }

    /// The GPU by which something was computed; empty if it was not on one.
    public static Optional<String> gpu(Map<String, String> provenance) {
        return Optional.ofNullable(provenance.get(COMPUTED_BY)).filter(name -> name.contains(GPU));
    }

    /// The name of the processor, where the system says it as Linux does.
    private static Optional<String> processor() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name")).map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst();
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty();
        }
    }

    // For example `conv1: forward F(4x4,3x3), backward_input F(4x4,3x3), backward_weight direct; ..`
    private static String algorithms(Summary summary) {
        return summary.layers().stream().filter(layer -> !layer.algorithms().isEmpty())
                .map(layer -> layer.name() + ": " + layer.algorithms().entrySet().stream()
                        .map(entry -> entry.getKey() + " " + entry.getValue()).collect(Collectors.joining(", ")))
                .collect(Collectors.joining("; "));
    }
}
