package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.run.Method.NormDecaySpec;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.train.TrainingHook;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MethodTest {

    @ParameterizedTest
    @CsvSource({"l1:0.001, l1:0.001", "linf:1e-3, linf:0.001", "l1, l1:0.001", "l1:0.001:conv, l1:0.001:conv",
        "linf:0.01:linear+conv, linf:0.01:conv+linear", "l1:0.001:BN, l1:0.001:bn", "l1:0.001:bn+linear+conv, l1:0.001"})
    void normDecayIsWrittenAsItIsRead(String text, String written) {
        NormDecaySpec spec = NormDecaySpec.parse(text).orElseThrow();
        assertEquals(written, spec.toString());
        assertEquals(Optional.of(spec), NormDecaySpec.parse(written));
    }

    @ParameterizedTest
    @ValueSource(strings = {"l1:1e-3:", "l1:1e-3:conv+", "l1:1e-3:pool", "l1:conv", "l1:1e-3:conv:bn", "none:conv", ":1e-3", "l1:"})
    void anythingElseIsRefusedWithWhatIsValid(String text) {
        UserError error = assertThrows(UserError.class, () -> NormDecaySpec.parse(text));
        assertTrue(error.getMessage().contains("l1:1e-3:conv+linear"), error.getMessage());
    }

    private static TrainingSettings settings(Map<String, String> changed) {
        Map<String, String> map = new LinkedHashMap<>(
                Map.of("model", "vgg11", "data", "synthetic", "limit", "0", "method", "plain", "epochs",
                        "3", "batch_size", "10", "lr", "0.1", "momentum", "0.9"));
        map.putAll(Map.of("weight_decay", "0.0", "schedule", "constant", "norm_decay", "none", "project_bn", "none", "init", "", "augment",
                "true", "shuffle", "true", "seed", "0"));
        map.putAll(changed);
        return TrainingSettings.parse(map);
    }

    private static String title(Map<String, String> changed) {
        return settings(changed).title();
    }

    /// A run is named after what it does, not only after the bundle that it began with.
    @Test
    void aTitleSaysWhatDiffersFromTheBundle() {
        assertEquals("plain", title(Map.of()));
        assertEquals("plain", title(Map.of("lr", "0.2")), "what every method needs is no difference");
        assertEquals("plain, svc 1.0", title(Map.of("svc", "1.0")));
        assertEquals("plain, svc 1.0, clip freq 7", title(Map.of("svc", "1.0", "svd", "gram", "clip_freq", "7")));
        assertEquals("plain, svc 1.0, svc as layer", title(Map.of("svc", "1.0", "svc_as", "layer")));
        assertEquals("nd-l1, norm decay l1:0.01", title(Map.of("method", "nd-l1", "norm_decay", "l1:0.01")));
        assertEquals("wd", title(Map.of("method", "wd", "weight_decay", "5.0E-4")));
        assertEquals("wd, weight decay 0.0, project bn 5.0", title(Map.of("method", "wd", "project_bn", "5.0")));
    }

    @Test
    void aFolderIsNamedAfterWhatTheRunDoes() {
        assertEquals("vgg11-plain-seed0", settings(Map.of()).folderName());
        assertEquals("vgg11-width-0.5-plain-norm-decay-l1-0.001-conv-linear-seed3",
                settings(Map.of("model", "vgg11:width=0.5", "norm_decay", "l1:1e-3:conv+linear", "seed", "3")).folderName());
    }

    /// Batch norm is decayed too unless the kinds leave it out.
    @Test
    void theKindsThatAreNamedAreDecayed() {
        Layer model = Models.create("vgg11:width=0.0625", 1);
        Set<String> all = traces(model, new NormDecaySpec(Norm.L1, 1e-3));
        Set<String> weights = traces(model, NormDecaySpec.parse("l1:1e-3:conv+linear").orElseThrow());
        Set<String> batchNorms = traces(model, new NormDecaySpec(Norm.L1, 1e-3, EnumSet.of(LayerKind.BN)));
        assertEquals(all.size(), weights.size() + batchNorms.size());
        assertTrue(all.containsAll(weights) && all.containsAll(batchNorms));
        assertEquals(9, weights.size(), "eight convolutions and the classifier: " + weights);
        assertEquals(8, batchNorms.size(), batchNorms.toString());
    }

    private static Set<String> traces(Layer model, NormDecaySpec spec) {
        List<TrainingHook> hooks = Method.hooks(model, Optional.of(spec), Optional.empty(), Optional.empty(), 10);
        assertEquals(1, hooks.size());
        return hooks.getFirst().state().keySet().stream().filter(name -> name.endsWith(".norm_decay_trace")).collect(Collectors.toSet());
    }
}
