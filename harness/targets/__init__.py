"""Where a pipeline can stand: a lifecycle, endpoints and an observer for each."""
