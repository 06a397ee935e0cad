package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.Device;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WarmUpTest {

    private static final String MODEL = "lenet:width=0.5";

    @AfterEach
    void forbid() {
        System.clearProperty(WarmUp.PROPERTY);
    }

    @Test
    void itBeginsOnceWhereItIsAllowedAndAProcessorIsFree() throws InterruptedException {
        try (Device one = Device.cpu(1); Device two = Device.cpu(2); Device scalar = Device.scalar(2)) {
            assertEquals(Optional.empty(), WarmUp.begin(MODEL, two), "not allowed");
            System.setProperty(WarmUp.PROPERTY, "true");
            assertEquals(Optional.empty(), WarmUp.begin(MODEL, one), "no processor to spare");
            assertEquals(Optional.empty(), WarmUp.begin(MODEL, scalar), "nothing to compile");
            Thread thread = WarmUp.begin(MODEL, two).orElseThrow();
            assertTrue(thread.isDaemon(), "the command does not wait for it");
            thread.join(60_000);
            assertFalse(thread.isAlive());
            assertEquals(Optional.empty(), WarmUp.begin(MODEL, two), "once is enough");
        }
    }

    /// One image is enough for batch norm as long as its maps have several pixels.
    @ParameterizedTest
    @ValueSource(strings = {"vgg11", "resnet18:width=0.25,head=cosine", "lenet"})
    void aStepOfTheNarrowFormRunsThrough(String model) {
        assertDoesNotThrow(() -> WarmUp.step(model, ConvolutionMode.FAST));
    }
}
