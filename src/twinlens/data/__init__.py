"""From photos to the parts that train, validate and test: readers, the image store, splits and protocols."""
