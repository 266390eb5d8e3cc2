"""What each regularizer does to a network that memorizes its training set."""
