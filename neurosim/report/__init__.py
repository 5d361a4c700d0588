"""Reports: a run's figures for a person (terminal, HTML) and for programs (JSON, Parquet)."""
