"""Meters, histograms, time series, the ledger and the run folder."""
