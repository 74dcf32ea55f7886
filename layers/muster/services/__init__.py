"""The use cases, one package per thing that people do. They depend on ports of storage, never on a store."""
