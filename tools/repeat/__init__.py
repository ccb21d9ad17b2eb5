"""The same features many times, shuffled and under load: which verdicts do not hold."""
