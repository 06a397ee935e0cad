package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelNamesTest {

    @ParameterizedTest
    @CsvSource({"WRN-28-10, wrn28-10", "wideresnet34_20, wrn34-20", "Wide_ResNet-34-10, wrn34-10", "DenseNet-121, densenet121",
        "densenetcifar, densenet_cifar", "ResNeXt29_2x64d, resnext29_2x64d", "PreActResNet50, preactresnet50",
        "preresnet18, preactresnet18", "ShuffleNetV2, shufflenetv2_1", "shufflenet_v2_x0_5, shufflenetv2_0.5",
        "shufflenetv2_x1_5, shufflenetv2_1.5", "shufflenetv2_2, shufflenetv2_2", "efficientnet-b0, efficientnetb0",
        "RegNetX_200MF, regnetx200mf", "regnety_004, regnety400mf", "PNASNetA, pnasneta", "GoogLeNet, googlenet", "LeNet-5, lenet",
        "vgg16_bn, vgg16", "MobileNetV1, mobilenet"})
    void namesAreUnderstoodHoweverTheyAreWritten(String written, String name) {
        ModelSpec spec = ModelSpec.parse(written + ":width=0.5");
        assertEquals(name, spec.name());
        assertEquals(spec, ModelSpec.parse(spec.toString()));
        assertEquals(spec, new ModelSpec(written, 0.5, 10));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"VGG11:width=1.0,classes=10; vgg11", "vgg11; vgg11", "lenet:classes=100; lenet:classes=100",
        "vgg11:classes=7,width=0.25,head=cosine; vgg11:width=0.25,classes=7,head=cosine", "vgg11:head=cosine; vgg11:head=cosine"})
    void theShortestTextLeavesDefaultsOut(String written, String shortest) {
        ModelSpec spec = ModelSpec.parse(written);
        assertEquals(shortest, spec.shortText());
        assertEquals(spec, ModelSpec.parse(spec.shortText()));
    }

    @Test
    void noTwoModelsAreConfused() {
        Set<String> squeezed = new HashSet<>();
        for (String name : Models.names()) {
            assertTrue(squeezed.add(ModelNames.squeezed(name)), name);
            assertEquals(name, ModelNames.canonical(name));
            for (String other : ModelNames.others(name)) {
                assertTrue(squeezed.add(other), other);
                assertEquals(name, ModelNames.canonical(other));
            }
        }
        assertEquals(List.of("wideresnet2810"), ModelNames.others("wrn28-10"));
    }

    @ParameterizedTest
    @CsvSource({"resnet20, resnet50", "wrn28-1, wrn28-10", "densnet121, densenet121", "mobilnetv2, mobilenetv2", "vg11, vgg11",
        "shuflenetv2, shufflenetv2_1", "wideresnet28, wrn28-10", "efficientnet, efficientnetb0"})
    void anUnknownNameSuggestsTheNearest(String wrong, String near) {
        String message = message(wrong);
        assertTrue(message.contains("there is no model '" + wrong + "'; did you mean "), message);
        assertTrue(message.contains(near) && message.endsWith("? The command 'models' lists all " + Models.names().size()), message);
    }

    @Test
    void aNameLikeNoOtherSuggestsNothing() {
        assertFalse(message("transformer").contains("did you mean"), message("transformer"));
        assertTrue(message("transformer").contains("; known models: vgg11, vgg13"));
    }

    @Test
    void theDistanceCountsChangesAdditionsAndRemovals() {
        assertEquals(3, ModelNames.distance("kitten", "sitting"));
        assertEquals(0, ModelNames.distance("vgg", "vgg"));
        assertEquals(3, ModelNames.distance("", "vgg"));
        assertEquals(2, ModelNames.distance("resnet18", "resnet"));
    }

    @Test
    void aModelsOwnOptionsAreRatesThatItsTextKeeps() {
        ModelSpec spec = ModelSpec.parse("efficientnetb0:dropconnect=0.2,dropout=0.2");
        assertEquals(Map.of("dropconnect", 0.2), spec.options());
        assertEquals("efficientnetb0:width=1.0,classes=10,dropconnect=0.2", spec.toString());
        assertEquals(0.2, spec.option("dropout"));
        assertEquals(spec, ModelSpec.parse(spec.toString()));
        assertEquals(spec.options(), spec.withClasses(7).options());
        assertTrue(message("vgg11:dropout=0.5").contains("no option 'dropout' (vgg11)"));
        assertTrue(message("wrn28-10:drop=0.5").contains("head=linear or cosine, dropout=RATE"));
        assertTrue(message("wrn28-10:dropout=1").contains("at least 0 and below 1, but got 1.0"));
        assertTrue(message("wrn28-10:dropout=often").contains("needs a number, but got 'often'"));
    }

    private static String message(String spec) {
        return String.valueOf(assertThrows(IllegalArgumentException.class, () -> ModelSpec.parse(spec)).getMessage());
    }
}
