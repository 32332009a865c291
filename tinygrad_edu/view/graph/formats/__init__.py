"""Diagrams as programs of other languages: TikZ, Mermaid."""
