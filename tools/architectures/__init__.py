"""A table of architectures: tiny random models of each class, held against plain transformers."""
