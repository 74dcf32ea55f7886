"""Programs other than the command line: the training job, and the writer of the OpenAPI document."""
