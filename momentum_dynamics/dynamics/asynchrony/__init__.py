"""What staleness does to a loop beyond the mean: second moments and limits of stability."""
