"""What follows from a method without running it: poles, regions, moments, best parameters."""
