package dev.normlab.experiments.plot;

import java.util.List;

/// A figure laid out for one width: what the SVG writer turns into text, and what layout tests look at.
///
/// @param width the width, in pixels
/// @param height the height, in pixels
/// @param title a short name, for assistive technology
/// @param description what the figure shows, for assistive technology
/// @param plot the area of the data, to which clipped marks are cut
/// @param marks the elements, in drawing order
record Drawing(double width, double height, String title, String description, Box plot, List<Mark> marks) {

    Drawing {
        marks = List.copyOf(marks);
    }
}
