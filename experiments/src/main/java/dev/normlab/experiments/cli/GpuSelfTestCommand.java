package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.selftest.SelfTest;
import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `gpu-selftest`: whether a device computes what it should.
@Command(name = "gpu-selftest", sortOptions = false,
        description = "Check the GPU (or another --device): every operation against its definition and against PyTorch's results, a training step "
                + "against the scalar reference, a short training and an attack against the CPU. One table; exit code 1 if anything fails.")
final class GpuSelfTestCommand implements Callable<Integer> {

    private static final int MOST_LINES = 10;
    private static final String EVERY = "all";

    @Mixin
    private final CommonOptions common;

    @Option(names = "--all",
            description = "All cases of every operation, longer training and attack, and 15 epochs beside the CPU's from three seeds: "
                    + "hours on a slow device.")
    private boolean all;

    @Option(names = "--zoo", arity = "0..1", split = ",", paramLabel = "MODEL", fallbackValue = EVERY,
            description = "Instead of these checks: two training steps of every model (see `normlab models`) in a narrow form against the scalar "
                    + "reference, or of the models that are named: --zoo=vgg11,resnet18. Hours on a slow device that has not compiled "
                    + "their kernels yet.")
    private @Nullable List<String> zoo;

    GpuSelfTestCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        common.useDeviceUnlessGiven("gpu");
        SelfTest test = test();
        try (Device device = common.openDevice()) {
            if (!test.isComplete()) {
                common.progress().line("this build has no cases of single operations; the launcher adds them when TORNADOVM_HOME is set");
            }
            common.say("device: " + device.computes());
            if (zoo == null && common.deviceName().equals("cpu") && device.convolutionMode() == ConvolutionMode.EXACT) {
                common.say("this is the CPU that devices are compared with: training, 15 epochs and apgd compare it with itself");
            }
            common.say(String.format(Locale.ROOT, "%-16s %7s %7s %9s  %s", "check", "cases", "failed", "seconds", "remark"));
            List<SelfTest.Row> rows = test.run(device, listener(common.progress()));
            int failed = rows.stream().mapToInt(row -> row.outcome().failures().size()).sum();
            common.say(failed == 0 ? "all checks passed" : failed + " cases failed");
            common.writeJson(json(device, rows, failed == 0));
            return failed == 0 ? 0 : Main.FAILED;
        }
    }

    private SelfTest test() {
        List<String> named = zoo;
        if (named == null) {
            return SelfTest.of(common.threads(), all);
        }
        if (all) {
            throw UserError.usage("--all is about the other checks; leave it out, or --zoo");
        }
        named.stream().filter(name -> name.contains(":") || name.contains("=")).findFirst().ifPresent(name -> {
            throw UserError.usage("--zoo: expected names of models without options, but got '" + name + "'; the width is always 1/16");
        });
        List<String> names = named.equals(List.of(EVERY))
                ? Models.names()
                : named.stream().map(name -> Weights.parseFor("--zoo", name).name()).toList();
        return SelfTest.zoo(names, common.threads());
    }

    private SelfTest.Listener listener(Progress progress) {
        return new SelfTest.Listener() {

            @Override
            public void progress(String name, int done, int of) {
                progress.update(name + ": " + done + " of " + of);
            }

            @Override
            public void finished(SelfTest.Row row) {
                progress.clear();
                List<String> failures = row.outcome().failures();
                common.say(String.format(Locale.ROOT, "%-16s %7d %7d %9.1f  %s", row.name(), row.outcome().cases(), failures.size(),
                        row.seconds(), row.outcome().remark()).stripTrailing());
                failures.stream().limit(MOST_LINES).forEach(failure -> common.say("  " + failure));
                if (failures.size() > MOST_LINES) {
                    common.say("  and " + (failures.size() - MOST_LINES) + " more (--json FILE has all)");
                }
            }
        };
    }

    private static Map<String, Object> json(Device device, List<SelfTest.Row> rows, boolean passed) {
        List<Map<String, Object>> checks = new ArrayList<>();
        for (SelfTest.Row row : rows) {
            Map<String, Object> check = new LinkedHashMap<>();
            check.put("name", row.name());
            check.put("cases", row.outcome().cases());
            check.put("failures", row.outcome().failures());
            check.put("seconds", row.seconds());
            check.put("remark", row.outcome().remark());
            checks.add(check);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("device", device.computes());
        json.put("passed", passed);
        json.put("checks", checks);
        return json;
    }
}
