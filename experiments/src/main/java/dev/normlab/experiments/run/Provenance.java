package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.DataSplits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Where and with what something was computed.
public final class Provenance {

    private Provenance() {}

    /// The version of this program.
    public static String version() {
        return Optional.ofNullable(Provenance.class.getPackage().getImplementationVersion()).orElse("development");
    }

    /// Program, Java, machine, kernels and data.
    public static Map<String, String> of(Device device, DataSplits data) {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("normlab", version());
        map.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        map.put("machine",
                System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", " + Runtime.getRuntime().availableProcessors()
                        + " processors");
        map.put("kernels", device.kernels().name());
        map.put("threads", Integer.toString(device.workers().threads()));
        map.put("train_data_sha256", data.train().contentHash());
        map.put("test_data_sha256", data.test().contentHash());
        return map;
    }
}
