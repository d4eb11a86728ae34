"""Loading, the names of hook points, generation, prompts; the models that are shipped or fetched."""
