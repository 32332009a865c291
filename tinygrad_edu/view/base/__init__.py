"""What every view stands on: renderer, SVG, text, symbols, notebook displays, reports."""
