"""Lists as the marketing tools accept them, and nobody in them who may not be."""
