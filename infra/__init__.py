"""AWS infrastructure as a CDK application."""
