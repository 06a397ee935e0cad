package dev.normlab.experiments.cli;

import dev.normlab.experiments.run.DataDownload;
import dev.normlab.experiments.run.Nearest;
import dev.normlab.experiments.run.UserError;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `data download`.
@Command(name = "download", description = "Fetch a data set from its official address, check it, and unpack it into the cache folder.",
        sortOptions = false)
final class DataDownloadCommand implements Callable<Integer> {

    /// Checksums are those of the data sets' own pages.
    private static final Map<String, DataDownload.Archive> ARCHIVES = archives();

    @Mixin
    private final CommonOptions common;

    @Parameters(paramLabel = "NAME", description = "cifar10 (162 MB), cifar100 (161 MB), or cifar10c (2.9 GB)")
    private String name = "";

    @Option(names = "--cache", paramLabel = "DIR",
            description = "Where to (default: the environment variable NORMLAB_CACHE, or .cache/normlab in the home folder).")
    private @Nullable Path cache;

    @Option(names = "--from", paramLabel = "URL", description = "Another address of the same archive, for example a mirror.")
    private @Nullable URI from;

    DataDownloadCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    private static Map<String, DataDownload.Archive> archives() {
        Map<String, DataDownload.Archive> all = new LinkedHashMap<>();
        add(all, "cifar10", "cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/", "c32a1d4ab5d03f1284b67883e8d87530",
                "cifar-10-batches-bin");
        add(all, "cifar100", "cifar-100-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/", "03b5dce01913d631647c71ecec9e9cb8",
                "cifar-100-binary");
        add(all, "cifar10c", "CIFAR-10-C.tar", "https://zenodo.org/records/2535967/files/", "56bf5dcef84df0e2308c6dcbcbbd8499",
                "CIFAR-10-C");
        return all;
    }

    private static void add(Map<String, DataDownload.Archive> all, String name, String file, String address, String md5, String folder) {
        all.put(name, new DataDownload.Archive(name, file, URI.create(address + file), md5, folder));
    }

    @Override
    public Integer call() throws IOException {
        DataDownload.Archive archive = ARCHIVES.get(name);
        if (archive == null) {
            throw UserError.usage("data download: expected one of " + String.join(", ", ARCHIVES.keySet()) + ", but got '" + name + "'"
                    + Nearest.hint(name, List.copyOf(ARCHIVES.keySet())));
        }
        if (from != null && !("http".equals(from.getScheme()) || "https".equals(from.getScheme()))) {
            throw UserError.usage("--from: expected an address that begins with http:// or https://, but got " + from);
        }
        Path folder = new DataDownload(from == null ? archive : archive.from(from), folder(), common.progress()).run();
        common.say("--data " + name + ":" + folder);
        common.writeJson(Map.of("name", name, "folder", folder.toString()));
        return 0;
    }

    private Path folder() {
        if (cache != null) {
            return cache;
        }
        String set = System.getenv("NORMLAB_CACHE");
        return set == null || set.isBlank() ? Path.of(System.getProperty("user.home"), ".cache", "normlab") : Path.of(set);
    }
}
