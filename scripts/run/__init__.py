"""Run sides under pytest and record what happened."""
