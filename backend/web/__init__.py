"""What every HTTP edge shares: authentication, problem details, edge models, paging."""
