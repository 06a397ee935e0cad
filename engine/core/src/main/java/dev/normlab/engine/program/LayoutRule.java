package dev.normlab.engine.program;

/// How an operation's operands lie in memory. "Activation layout" is what the backend keeps `[n, c, h, w]` activations in.
public enum LayoutRule {

    /// Inputs and outputs are row-major.
    PLAIN,

    /// The 4-D operands that the opcode marks as activations are in the activation layout, all others row-major.
    ACTIVATION,

    /// Layouts follow the inputs: blocked if all tensor inputs of the output's shape are blocked alike and the others stretch only over
    /// `n`, `h`, `w`; otherwise row-major. One-element inputs fit everywhere.
    ELEMENTWISE,

    /// Blocked like the first input if the operation is along an axis other than the channels, or all channel counts are whole blocks;
    /// otherwise row-major.
    CHANNELS,

    /// Updates in place: the targets keep their layouts and inputs are brought to row-major, in which parameters are kept.
    UPDATE
}
