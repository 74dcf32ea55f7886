"""FastAPI, imported without building the models that only the OpenAPI document needs.

They take a tenth of the start of a server or function. Pydantic builds each when it is first used. The setting is
pydantic's own (`defer_build`); the import of FastAPI leaves no other place to set it than the class that its models
inherit from. Import this module before FastAPI.
"""

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
try:
    import fastapi.openapi.models  # noqa: F401
finally:
    del BaseModel.model_config["defer_build"]
