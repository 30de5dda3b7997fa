"""Everything that is derived from a run folder."""
