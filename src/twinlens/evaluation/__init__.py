"""Honest figures: metrics, intervals, calibration and one-shot tasks, from scores alone."""
