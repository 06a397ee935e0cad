/// Operations as data: the table of opcodes, eager execution, recording of whole steps, and the interpreter that replays them.
@NullMarked
package dev.normlab.engine.program;

import org.jspecify.annotations.NullMarked;
