"""Where a run's batches are measured, beside this process: as shards of several processes, and by workers on Ray."""
