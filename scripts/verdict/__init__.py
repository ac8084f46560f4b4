"""What a run means: pure functions from runs and the manifest to verdicts."""
