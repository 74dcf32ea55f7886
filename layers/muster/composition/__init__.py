"""Build the services of a whole system from settings, for one machine or for AWS."""
