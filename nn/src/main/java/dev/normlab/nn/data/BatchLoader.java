package dev.normlab.nn.data;

import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/// Turns a data set into the batches of one epoch after another. A background thread prepares the next few batches while the network works.
///
///     BatchLoader loader = BatchLoader.shuffled(data.train(), 128, seed, Augmentation.cropAndFlip());
///     try (BatchLoader.Epoch batches = loader.epoch(0)) {
///         while (batches.hasNext()) {
///             Batch batch = batches.next();
///         }
///     }
///
/// The order of an epoch depends on the seed and the epoch alone, and each image's variation on its index besides, so that an interrupted
/// run continues bitwise. The last batch of an epoch holds what is left and may be smaller.
public final class BatchLoader {

    private static final int PREFETCHED_BATCHES = 3;

    private final Dataset data;
    private final int batchSize;
    private final long seed;
    private final boolean shuffle;
    private final @Nullable Augmentation augmentation;

    private BatchLoader(Dataset data, int batchSize, long seed, boolean shuffle, @Nullable Augmentation augmentation) {
        if (batchSize < 1) {
            throw new DataException("The batch size must be at least 1, but it is " + batchSize + ".");
        }
        long values = (long) Math.min(batchSize, data.size()) * data.shape().values();
        if (values > Integer.MAX_VALUE - 64) {
            throw new DataException(
                    "A batch of " + batchSize + " images of " + data.shape() + " does not fit an array; choose a smaller batch size.");
        }
        this.data = data;
        this.batchSize = batchSize;
        this.seed = seed;
        this.shuffle = shuffle;
        this.augmentation = augmentation;
    }

    /// A loader with a new random order in every epoch.
    ///
    /// @param augmentation how images are varied, or null to leave them as they are
    /// @throws DataException if the batch size is not positive
    public static BatchLoader shuffled(Dataset data, int batchSize, long seed, @Nullable Augmentation augmentation) {
        return new BatchLoader(data, batchSize, seed, true, augmentation);
    }

    /// A loader in the data set's own order, the same in every epoch but for the variation.
    ///
    /// @param augmentation how images are varied, or null to leave them as they are
    /// @throws DataException if the batch size is not positive
    public static BatchLoader inOrder(Dataset data, int batchSize, long seed, @Nullable Augmentation augmentation) {
        return new BatchLoader(data, batchSize, seed, false, augmentation);
    }

    /// The images in the data set's own order, unvaried: for evaluation and attacks.
    ///
    /// @throws DataException if the batch size is not positive
    public static BatchLoader plain(Dataset data, int batchSize) {
        return inOrder(data, batchSize, 0, null);
    }

    /// The data set.
    public Dataset data() {
        return data;
    }

    /// The number of images in a full batch.
    public int batchSize() {
        return batchSize;
    }

    /// Batches in an epoch, the last and smaller one included.
    public int batches() {
        return (int) ((data.size() + (long) batchSize - 1) / batchSize);
    }

    /// All batches of an epoch.
    public Epoch epoch(int epoch) {
        return epoch(epoch, 0);
    }

    /// The batches of an epoch from a given one on, the same as if the ones before had been taken.
    ///
    /// @param epoch the epoch, from 0
    /// @param firstBatch the first batch to prepare, from 0
    /// @throws DataException if one is negative or there are fewer batches
    public Epoch epoch(int epoch, int firstBatch) {
        if (epoch < 0 || firstBatch < 0 || firstBatch > batches()) {
            throw new DataException("There is no batch " + firstBatch + " in epoch " + epoch + ": an epoch has " + batches() + " batches.");
        }
        return new Epoch(epoch, firstBatch);
    }

    /// The batch that an epoch has at a place in its order.
    private Batch prepare(int epoch, int batch, int[] order, float[] scratch) {
        int start = batch * batchSize;
        int n = Math.min(batchSize, data.size() - start);
        ImageShape shape = data.shape();
        float[] images = new float[n * shape.values()];
        int[] labels = new int[n];
        int[] indices = Arrays.copyOfRange(order, start, start + n);
        for (int i = 0; i < n; i++) {
            int offset = i * shape.values();
            labels[i] = data.label(indices[i]);
            if (augmentation == null) {
                data.image(indices[i], images, offset);
            } else {
                data.image(indices[i], scratch, 0);
                RandomStream stream = RandomStream.of(seed, "augmentation", epoch, indices[i]);
                augmentation.apply(scratch, shape, stream, images, offset);
            }
        }
        return new Batch(shape, images, labels, indices);
    }

    private int[] order(int epoch) {
        if (shuffle) {
            return RandomStream.of(seed, "shuffle", epoch).permutation(data.size());
        }
        int[] order = new int[data.size()];
        Arrays.setAll(order, i -> i);
        return order;
    }

    /// The batches of one epoch in their order, for one thread. Close it when no more are wanted: that ends the background thread.
    public final class Epoch implements Iterator<Batch>, AutoCloseable {

        private final BlockingQueue<Result> queue = new ArrayBlockingQueue<>(PREFETCHED_BATCHES);
        private final Thread producer;
        private final int number;
        private int nextBatch;

        /// What the background thread hands over: a batch, or what went wrong.
        private record Result(@Nullable Batch batch, @Nullable Throwable failure) {}

        private Epoch(int number, int firstBatch) {
            this.number = number;
            this.nextBatch = firstBatch;
            producer = Thread.ofPlatform().name("batches of epoch " + number).daemon().unstarted(() -> produce(firstBatch));
            producer.start();
        }

        private void produce(int firstBatch) {
            try {
                try {
                    int[] order = order(number);
                    float[] scratch = new float[data.shape().values()];
                    for (int batch = firstBatch; batch < batches(); batch++) {
                        queue.put(new Result(prepare(number, batch, order, scratch), null));
                    }
                } catch (RuntimeException | Error e) {
                    queue.put(new Result(null, e));
                }
            } catch (InterruptedException e) {
                // Closed: nobody waits for more.
            }
        }

        /// Batches that are still to come.
        public int remaining() {
            return batches() - nextBatch;
        }

        @Override
        public boolean hasNext() {
            return remaining() > 0;
        }

        /// The next batch; waits for it if need be.
        ///
        /// @throws DataException if the background thread failed (its exception is the cause) or this thread was interrupted while it
        ///     waited
        @Override
        public Batch next() {
            if (!hasNext()) {
                throw new NoSuchElementException("epoch " + number + " has no more batches");
            }
            Result result;
            try {
                result = queue.take();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new DataException("Interrupted while waiting for batch " + nextBatch + " of epoch " + number + ".", e);
            }
            if (result.batch == null) {
                nextBatch = batches();
                throw new DataException("Batch preparation failed in epoch " + number + ": " + result.failure, result.failure);
            }
            nextBatch++;
            return result.batch;
        }

        /// Ends the background thread; batches not yet taken are dropped.
        @Override
        public void close() {
            nextBatch = batches();
            producer.interrupt();
        }
    }
}
