"""Value over time, gains and returns of portfolios."""
