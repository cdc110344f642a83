"""Pure calculations: valuation, time-weighted and money-weighted returns."""
