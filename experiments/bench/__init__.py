"""Speed: both sides interleaved in one run, medians of many rounds."""
