package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.assertDataError;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataSpecTest {

    @Test
    void theHomeFolderIsWrittenAsInAShell() {
        assertEquals(new DataSpec.Cifar10(Path.of(System.getProperty("user.home"), "cifar")), DataSpec.parse("cifar10:~/cifar"));
        assertEquals(new DataSpec.Cifar10(Path.of("a~/cifar")), DataSpec.parse("cifar10:a~/cifar"));
    }

    @Test
    void everyFormIsUnderstood() {
        assertEquals(new DataSpec.Synthetic(SyntheticDataset.Config.standard()), DataSpec.parse("synthetic"));
        assertEquals(new DataSpec.Synthetic(new SyntheticDataset.Config(48, 100, 20, 7, 0.5)),
                DataSpec.parse("synthetic:size=48,train=100,test=20,seed=7,difficulty=0.5"));
        assertEquals(new DataSpec.Cifar10(Path.of("data/cifar")), DataSpec.parse("cifar10:data/cifar"));
        assertEquals(new DataSpec.Cifar100(Path.of("data")), DataSpec.parse("cifar100:data"));
        assertEquals(new DataSpec.Folder(Path.of("a:b"), 32), DataSpec.parse("folder:a:b"));
        assertEquals(new DataSpec.Folder(Path.of("a,size=2/b"), 64), DataSpec.parse("folder:a,size=2/b,size=64"));
        assertEquals(new DataSpec.Archive(Path.of("adv.npz")), DataSpec.parse("npz:adv.npz"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "cifar", "CIFAR10:x", "imagenet:x", "data.npz", "cifar11:x"})
    void anUnknownKindIsAnErrorThatListsTheKnownOnes(String text) {
        assertDataError(() -> DataSpec.parse(text), "There is no data \"" + text + "\"", "synthetic", "cifar10:DIR", "cifar100:DIR",
                "folder:DIR", "npz:FILE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cifar10", "cifar10:", "folder: ", "npz:"})
    void aMissingPlaceIsAnError(String text) {
        assertDataError(() -> DataSpec.parse(text), "\"" + text + "\"", "needs a place after the colon");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"folder:a,size=many | \"many\" as size", "folder:a,size=0 | sizes from 1 to 4096",
        "folder:a,size=5000 | size=5000 was asked for", "folder:a,foo=3 | unknown key \"foo\"", "folder:,size=64 | needs a place"})
    void badSizesOfAFolderAreErrors(String text, String part) {
        assertDataError(() -> DataSpec.parse(text), part);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            value = {"synthetic:sise=32 | unknown key \"sise\"", "synthetic:train=many | \"many\" as train", "synthetic:train= | as train",
                "synthetic:train | as train", "synthetic:train=0 | train must be from 1", "synthetic:train=-5 | train must be from 1",
                "synthetic:train=1e3 | \"1e3\"",
                "synthetic:size=8 | size must be from 16", "synthetic:size=1000 | size must be from 16",
                "synthetic:difficulty=NaN | difficulty must be from 0",
                "synthetic:difficulty=-1 | difficulty must be from 0", "synthetic:train=1000000,size=256 | choose fewer or smaller",
                "synthetic:seed=1,seed=2 | the key seed twice", "synthetic:seed=1, | unknown key \"\"",
                "synthetic:train=99999999999 | \"99999999999\""})
    void badOptionsOfSyntheticDataAreErrors(String text, String part) {
        assertDataError(() -> DataSpec.parse(text), part);
    }
}
