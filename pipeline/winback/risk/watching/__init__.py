"""What has changed since a model learned, and whether tonight's list may go out."""
