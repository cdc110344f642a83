"""Settlement: delivery versus payment on chain, one process per trade, two instructions."""
