package dev.normlab.engine.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Copies between arrays of the heap and the native arrays that go to the device, in one piece.
final class Transfers {

    private Transfers() {}

    static void send(float[] from, FloatArray to, int at, int count) {
        MemorySegment.copy(from, 0, to.getSegment(), ValueLayout.JAVA_FLOAT, 4L * at, count);
    }

    static void send(int[] from, IntArray to, int at, int count) {
        MemorySegment.copy(from, 0, to.getSegment(), ValueLayout.JAVA_INT, 4L * at, count);
    }

    static void receive(FloatArray from, int at, float[] to, int count) {
        MemorySegment.copy(from.getSegment(), ValueLayout.JAVA_FLOAT, 4L * at, to, 0, count);
    }

    static void receive(IntArray from, int at, int[] to, int count) {
        MemorySegment.copy(from.getSegment(), ValueLayout.JAVA_INT, 4L * at, to, 0, count);
    }
}
