"""Projections: pure folds of the log, `project(row, record) -> row`."""
