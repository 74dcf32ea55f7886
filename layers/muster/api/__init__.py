"""The HTTP API: FastAPI routes over the use cases, and the middleware around them."""
