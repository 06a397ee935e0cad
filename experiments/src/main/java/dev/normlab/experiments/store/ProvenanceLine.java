package dev.normlab.experiments.store;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// One line of `provenance.jsonl`: where and with what a run went on.
///
/// @param time       from when
/// @param provenance what [RunInfo#provenance] says of the run's beginning
public record ProvenanceLine(Instant time, Map<String, String> provenance) {

    /// Copies the map and keeps its order.
    public ProvenanceLine {
        provenance = Collections.unmodifiableMap(new LinkedHashMap<>(provenance));
    }
}
