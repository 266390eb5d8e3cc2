"""The rows of augmentation."""
