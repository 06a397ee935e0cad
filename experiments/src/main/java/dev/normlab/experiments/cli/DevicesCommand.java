package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.AcceleratorProvider;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `devices`: where one can compute.
@Command(name = "devices", description = "List the devices that this machine offers; with --device only that one.", sortOptions = false)
final class DevicesCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    DevicesCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        List<Map<String, Object>> list = new ArrayList<>();
        boolean one = spec.commandLine().getParseResult().hasMatchedOption("--device");
        if (one) {
            common.openDevice().close(); // refuses what is not there
        }
        for (KernelsProvider provider : Device.providers()) {
            String name = provider.name().equals("vector") ? "cpu" : provider.name();
            if (one && !name.equals(common.deviceName())) {
                continue;
            }
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("available", provider.obstacle().isEmpty());
            entry.put("description", provider.obstacle().orElseGet(provider::describe));
            list.add(entry);
            common.say(String.format(Locale.ROOT, "%-8s %s", name, entry.get("description")));
        }
        for (AcceleratorProvider provider : Device.acceleratorProviders()) {
            listAccelerators(provider, one, list);
        }
        common.say(Runtime.getRuntime().availableProcessors() + " processors, " + System.getProperty("java.vm.name") + " "
                + Runtime.version());
        common.writeJson(Map.of("devices", list, "processors", Runtime.getRuntime().availableProcessors()));
        return 0;
    }

    private void listAccelerators(AcceleratorProvider provider, boolean one, List<Map<String, Object>> list) {
        List<String> found = provider.obstacle().map(List::of).orElseGet(provider::list);
        for (int i = 0; i < found.size(); i++) {
            String name = "gpu:" + i;
            if (one && !name.equals(common.deviceName()) && !(i == 0 && common.deviceName().equals("gpu"))) {
                continue;
            }
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("available", provider.obstacle().isEmpty());
            entry.put("description", found.get(i));
            list.add(entry);
            common.say(String.format(Locale.ROOT, "%-8s %s", name, found.get(i)));
        }
    }
}
