"""Trials of a sweep in Optuna's terms: what is drawn, who works on it, when it is given up, what it says."""
