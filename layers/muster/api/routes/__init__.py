"""The routes, one module per resource. Each checks access, calls a use case and describes the result."""
