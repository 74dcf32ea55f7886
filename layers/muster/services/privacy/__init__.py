"""Answer what is stored about a student, and delete what is older than the retention period."""
