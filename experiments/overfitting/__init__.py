"""What each regularizer does to a network that learns digits and wrong labels by heart."""
