package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import org.junit.jupiter.api.Test;

class ProvenanceTest {

    @Test
    void theCommitIsSaidInWords() {
        assertEquals("", Provenance.commit(""));
        assertEquals(" (commit 0123456789ab)", Provenance.commit("0123456789ab\n"));
        assertEquals(" (commit 0123456789ab, changed)", Provenance.commit("0123456789ab-dirty"));
    }

    @Test
    void fewStepsAreWarnedOfOnlyWhereThereAreRunningStatistics() {
        Layer model = Models.create(ModelSpec.parse("vgg11:width=0.0625"), 0);
        assertTrue(RunningStatistics.remark(model, 10).orElseThrow().contains("10 training steps only and still are 35%"));
        assertTrue(RunningStatistics.remark(model, 44).isEmpty());
        assertTrue(RunningStatistics.remark(model.children().get("classifier"), 1).isEmpty());
    }
}
