"""A stand-in for CloudFront and Cognito: one origin for files and API, and another for sign-in."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from muster.api.security_headers import HEADERS, content_security_policy

CLIENT_ID = "web-client"
_HOP_BY_HOP = ("content-length", "transfer-encoding", "connection")


@dataclass
class SignInPages:
    """Cognito's pages as RFC 6749 and RFC 7636 describe them: a code for a challenge, tokens for its verifier.

    Attributes:
        valid: access tokens that the gateway takes.
        asked: the grants that tokens were asked with, in order.
    """

    lifetime: int = 3600
    valid: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        routes = [
            Route("/oauth2/authorize", self._page),
            Route("/signed-in", self._signed_in),
            Route("/oauth2/token", self._token, methods=["POST"]),
            Route("/oauth2/revoke", self._revoke, methods=["POST"]),
            Route("/logout", self._logout),
            Route("/favicon.ico", self._nothing),
        ]
        app = Starlette(routes=routes)
        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"])
        return app

    def end(self) -> None:
        """Let every access token end."""
        self.valid.clear()

    async def _page(self, request: Request) -> Response:
        query = request.query_params
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = (query["code_challenge"], query["redirect_uri"])
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        return HTMLResponse(f'<h1>Your school</h1><a href="/signed-in?{urlencode({"back": back})}">Sign in</a>')

    async def _signed_in(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["back"])

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        grant = str(form["grant_type"])
        self.asked.append(grant)
        if grant == "authorization_code":
            challenge, address = self._codes.pop(str(form["code"]), ("", ""))
            digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge or form["redirect_uri"] != address:
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            refresh = secrets.token_urlsafe(16)
            self._refresh.add(refresh)
            return self._tokens({"refresh_token": refresh})
        if str(form["refresh_token"]) not in self._refresh:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return self._tokens({})

    def _tokens(self, more: dict[str, str]) -> Response:
        token = secrets.token_urlsafe(16)
        self.valid.add(token)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime, **more})

    async def _revoke(self, request: Request) -> Response:
        self._refresh.discard(str((await request.form())["token"]))
        return Response()

    async def _nothing(self, _: Request) -> Response:
        return Response()

    async def _logout(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["logout_uri"])


def distribution(web: Path, gateway: str, pages: SignInPages, sign_in: str, photos: str) -> Starlette:
    """Serve the client's files with the cloud's policy, and pass the rest to the gateway, which asks for a valid token.

    Args:
        gateway, sign_in, photos: origins.
    """
    policy = content_security_policy(images=[photos], connections=[sign_in, photos])
    headers = {**HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    client = httpx.Client(base_url=gateway, timeout=600)

    async def config(_: Request) -> Response:
        return JSONResponse({"stage": "dev", "sign_in": sign_in, "client_id": CLIENT_ID, "region": "eu-central-1"})

    async def api(request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in pages.valid and request.url.path != "/health":
            return JSONResponse({"message": "Unauthorized"}, status_code=401)
        body = await request.body()
        return await run_in_threadpool(_passed_on(client, request, body))

    async def file(request: Request) -> Response:
        path = request.path_params["path"] or "index.html"
        return FileResponse(web / path, headers=headers)

    methods = ["GET", "POST", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/config.json", config),
            *(Route(path, api, methods=methods) for path in ("/v1/{rest:path}", "/register/{rest:path}")),
            *(Route(path, api, methods=methods) for path in ("/mark/{rest:path}", "/health")),
            Route("/{path:path}", file),
        ]
    )


def _passed_on(client: httpx.Client, request: Request, body: bytes) -> Callable[[], Response]:
    def send() -> Response:
        kept = {name: value for name, value in request.headers.items() if name not in ("host", *_HOP_BY_HOP)}
        query = f"?{request.url.query}" if request.url.query else ""
        answer = client.request(request.method, f"{request.url.path}{query}", headers=kept, content=body)
        found = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, found)

    return send
