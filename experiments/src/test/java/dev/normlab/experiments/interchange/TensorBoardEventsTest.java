package dev.normlab.experiments.interchange;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.experiments.interchange.TensorBoardEvents.Point;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardEventsTest {

    @TempDir
    private Path folder;

    private static final Point FIRST = new Point(1000.5, 10, Map.of("loss", 0.25));
    private static final Point SECOND = new Point(1001, 20, Map.of("loss", Double.NaN));

    // What TensorBoard's own EventFileWriter writes for the same events.
    private static final String EXPECTED = "1800000000000000a37f4b22090000000000448f401a0d627261696e2e4576656e743a32aba333451a"
            + "00000000000000129bd82d090000000000448f40100a2a0d0a0b0a046c6f7373150000803e328eb3ac";

    @Test
    void theBytesAreThoseOfTensorBoardsOwnWriter() throws IOException {
        Path file = folder.resolve("events");
        TensorBoardEvents.update(file, List.of(FIRST));
        assertEquals(EXPECTED, HexFormat.of().formatHex(Files.readAllBytes(file)));
    }

    @Test
    void moreIsAppendedAndAnotherHistoryReplaces() throws IOException {
        Path grown = folder.resolve("grown"), whole = folder.resolve("whole");
        TensorBoardEvents.update(grown, List.of(FIRST));
        Object before = Files.readAttributes(grown, "unix:ino").get("ino");
        TensorBoardEvents.update(grown, List.of(FIRST, SECOND));
        assertEquals(before, Files.readAttributes(grown, "unix:ino").get("ino"), "the file that TensorBoard has open goes on");
        TensorBoardEvents.update(whole, List.of(FIRST, SECOND));
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(grown));
        TensorBoardEvents.update(grown, List.of(SECOND));
        TensorBoardEvents.update(whole, List.of(SECOND));
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(grown));
    }
}
