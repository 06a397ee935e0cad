package dev.normlab.engine.io;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// NumPy's format for several named arrays: a zip archive of npy files, stored (`np.savez`) or deflated (`np.savez_compressed`).
///
/// Every entry's announced size must fit its npy header before memory is set aside, can be at most 1032 times its compressed size
/// (deflate's limit), and is checked against what really comes, as is the CRC; so a small hostile archive fails at once.
public final class Npz {

    private static final int MAX_ENTRIES = 10_000;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAX_DEFLATE_RATIO = 1032;
    private static final String SUFFIX = ".npy";
    private static final LocalDateTime FIXED_TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

    private Npz() {}

    /// Reads all arrays of an archive, by name without `.npy`, in the archive's order. Entries that are no npy files by name are left out.
    ///
    /// @throws FormatException if the archive or an array in it is damaged or has a number type that is not read here
    /// @throws IOException if there is no such file or it cannot be read
    public static Map<String, NumberArray> read(Path file) throws IOException {
        return read(file, names(file));
    }

    /// Reads some arrays of an archive.
    ///
    /// @param names which, without `.npy`; all must be there
    /// @throws FormatException if one is missing, the archive or the array is damaged, or has a number type that is not read here
    /// @throws IOException if there is no such file or it cannot be read
    public static Map<String, NumberArray> read(Path file, Set<String> names) throws IOException {
        Map<String, NumberArray> arrays = new LinkedHashMap<>();
        try (ZipFile zip = open(file)) {
            for (String name : names) {
                ZipEntry entry = zip.getEntry(name + SUFFIX);
                if (entry == null) {
                    throw new FormatException(file.toString(), "expected an array \"" + name + "\", but the archive has " + names(file));
                }
                arrays.put(name, read(file + ":" + name, zip, entry));
            }
        } catch (ZipException e) {
            throw damaged(file, e);
        }
        return arrays;
    }

    /// The names of the arrays in an archive, without `.npy`, in the archive's order.
    ///
    /// @throws FormatException if the archive is damaged or has a name twice
    /// @throws IOException if there is no such file or it cannot be read
    public static Set<String> names(Path file) throws IOException {
        List<String> names = new ArrayList<>();
        try (ZipFile zip = open(file)) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                if (entry.getName().endsWith(SUFFIX)) {
                    names.add(entry.getName().substring(0, entry.getName().length() - SUFFIX.length()));
                }
            }
        }
        Set<String> distinct = new LinkedHashSet<>(names);
        if (distinct.size() < names.size()) {
            throw new FormatException(file.toString(), "expected every array once, but the archive has " + names);
        }
        return distinct;
    }

    /// Writes an archive atomically (see [AtomicFile]), stored and with a fixed time, so that the same arrays give the same bytes.
    ///
    /// @param arrays the arrays by name, written in the map's order as f4, i4, i8 or u1
    /// @throws IOException if the file cannot be written
    public static void write(Path file, Map<String, ? extends NumberArray> arrays) throws IOException {
        AtomicFile.write(file, out -> {
            ZipOutputStream zip = new ZipOutputStream(out);
            for (Map.Entry<String, ? extends NumberArray> entry : arrays.entrySet()) {
                zip.putNextEntry(storedEntry(entry.getKey(), entry.getValue()));
                Npy.write(zip, entry.getValue());
                zip.closeEntry();
            }
            zip.finish();
        });
    }

    private static ZipFile open(Path file) throws IOException {
        InputFile.checkedLength(file);
        try {
            ZipFile zip = new ZipFile(file.toFile());
            if (zip.size() > MAX_ENTRIES) {
                zip.close();
                throw new FormatException(file.toString(), "expected at most " + MAX_ENTRIES + " arrays, but got " + zip.size());
            }
            return zip;
        } catch (ZipException e) {
            throw damaged(file, e);
        }
    }

    private static FormatException damaged(Path file, ZipException e) {
        return new FormatException(file.toString(), "expected an npz archive, but it is damaged or no zip file (" + e.getMessage() + ")",
                e);
    }

    private static NumberArray read(String source, ZipFile zip, ZipEntry entry) throws IOException {
        long size = entry.getSize();
        long compressed = entry.getCompressedSize();
        if (size < 0 || compressed < 0 || size / MAX_DEFLATE_RATIO > compressed) {
            throw new FormatException(source,
                    "the archive announces " + size + " bytes from " + compressed + " compressed ones, which cannot be");
        }
        try (CheckedInputStream in = new CheckedInputStream(new BufferedInputStream(zip.getInputStream(entry), BUFFER_BYTES),
                new CRC32())) {
            NumberArray array = Npy.read(source, in, size);
            if (in.read() >= 0) {
                throw new FormatException(source, "expected " + size + " bytes as announced, but more come");
            }
            if (in.getChecksum().getValue() != entry.getCrc()) {
                throw new FormatException(source, "the checksum differs from the archive's: the data is damaged");
            }
            return array;
        } catch (ZipException | EOFException e) {
            throw new FormatException(source, "the compressed data is damaged (" + e.getMessage() + ")", e);
        }
    }

    /// A stored entry announces its checksum before its data, so the data is produced once for the checksum alone.
    private static ZipEntry storedEntry(String name, NumberArray array) throws IOException {
        CheckedOutputStream checksum = new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
        Npy.write(checksum, array);
        ZipEntry entry = new ZipEntry(name + SUFFIX);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(NpyHeader.bytes(array).length + (long) array.length() * ElementType.of(array).bytes());
        entry.setCrc(checksum.getChecksum().getValue());
        entry.setTimeLocal(FIXED_TIME);
        return entry;
    }
}
