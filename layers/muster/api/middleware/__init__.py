"""ASGI middleware, in the order of `app.create_app`: logging, limits, the web client, sign-in and repeated requests."""
