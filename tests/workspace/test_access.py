"""Who is let in: tickets, sessions, origins, hosts, and the files of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PyOpenColorIO
import pytest

from faceplate.service.app import make_app
from faceplate.workspace import extension
from faceplate.workspace.page_files import page_router
from workspace_page import TOKEN, Page, let_in, serving


def routes(page: Page) -> list[tuple[str, str]]:
    """Every route of the engine but the list of routes."""
    app = make_app(page.service)
    extension().add(app, page.service)
    found = [
        (method.upper(), path.replace("{job}", "none").replace("{shot}", "none").replace("{name}", "none"))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]
    assert len(found) > 35
    return found


def bare(page: Page, **headers: str) -> Page:
    return Page(page.port, page.service, {name.replace("_", "-"): value for name, value in headers.items()})


EXCHANGE = ("POST", "/v1/ui/session")


class TestEveryRoute:
    """None answers to somebody who is not let in."""

    def test_without_anything(self, page: Page) -> None:
        for method, path in routes(page):
            answer = bare(page).ask(method, path)
            expected = (403, "foreign-origin") if (method, path) == EXCHANGE else (401, "bad-token")
            assert (answer.status, answer.code) == expected, path

    @pytest.mark.parametrize("wrong", ["Cookie", "Faceplate-Page"])
    def test_with_half_a_session(self, page: Page, wrong: str) -> None:
        other = let_in(page)
        for value in ("", "wrong", other.headers[wrong]):
            mixed = Page(page.port, page.service, {**page.headers, wrong: value})
            for method, path in routes(page):
                if (method, path) != EXCHANGE:
                    assert mixed.ask(method, path).status == 401, path

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://localhost"]
    )
    def test_from_another_origin(self, page: Page, origin: str) -> None:
        foreign = Page(page.port, page.service, {**page.headers, "Origin": origin.format(port=page.port)})
        for method, path in routes(page):
            answer = foreign.ask(method, path)
            assert (answer.status, answer.code) == (403, "foreign-origin"), path
            assert not [name for name in answer.headers if name.startswith("access-control")]

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_from_another_site(self, page: Page, site: str) -> None:
        """A page of another port of this machine is the same site, and is refused too."""
        foreign = Page(page.port, page.service, {**page.headers, "Sec-Fetch-Site": site})
        assert all(foreign.ask(method, path).status == 403 for method, path in routes(page))

    @pytest.mark.parametrize("host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1"])
    def test_under_another_name(self, page: Page, host: str) -> None:
        foreign = Page(page.port, page.service, {**page.headers, "Host": host.format(port=page.port)})
        for method, path in [*routes(page), ("GET", "/ui/")]:
            answer = foreign.ask(method, path)
            assert (answer.status, answer.code) == (403, "foreign-host"), path

    def test_a_change_says_where_it_comes_from(self, page: Page) -> None:
        """A browser sends Origin with each of them; what does not is no page."""
        headers = {name: value for name, value in page.headers.items() if name != "Origin"}
        silent = Page(page.port, page.service, headers)
        for method, path in routes(page):
            if method != "GET" and (method, path) != EXCHANGE:
                assert silent.ask(method, path).status in ({403} if path not in TOKEN_ONLY else {401}), path
        assert silent.ask("GET", "/v1/ui/home").status == 200


TOKEN_ONLY = ("/v1/stop", "/v1/ui/ticket")


def test_what_a_page_must_not_ask_for(page: Page) -> None:
    for path in TOKEN_ONLY:
        answer = page.ask("POST", path, {})
        assert (answer.status, answer.code) == (401, "bad-token")
    assert page.get("/v1/status")["stopping"] is False


class TestTickets:
    def test_the_users_variables_count(self, page: Page, make_shot: Callable[..., Path], page_root: Path) -> None:
        """Two pages of one engine, each with the config and the folders of whoever opened it."""
        shot = make_shot(plate="$PLATES/plate.exr")
        config = shot.with_name("own.ocio")
        ocio: Any = PyOpenColorIO  # a compiled module without stubs
        own = ocio.Config.CreateFromBuiltinConfig("cg-config-v2.1.0_aces-v1.3_ocio-v2.3")
        config.write_text(own.serialize())
        told = let_in(page, OCIO=str(config), PLATES=str(shot.parent))
        assert told.get("/v1/ui/color", shot=str(shot))["config"] == str(config)
        assert told.get("/v1/ui/shot", shot=str(shot))["plate"] == str(shot.with_name("plate.exr"))
        assert page.ask("GET", "/v1/ui/color", shot=str(shot)).code == "unset-variable"
        assert told.get("/v1/ui/plate", pattern=str(shot.with_name("plate.exr")))["config"] == str(config)

    def test_a_ticket_works_once(self, page: Page) -> None:
        token = bare(page, Authorization=f"Bearer {TOKEN}")
        made = token.ask("POST", "/v1/ui/ticket", {}).json
        assert made["url"] == f"http://127.0.0.1:{page.port}/ui/?ticket={made['ticket']}"
        visitor = bare(page, Origin=f"http://127.0.0.1:{page.port}")
        first = visitor.ask("POST", "/v1/ui/session", {"ticket": made["ticket"]})
        assert first.status == 200 and first.json["shot"] is None
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and f"faceplate_{page.port}=" in cookie
        assert first.json["key"] not in cookie
        second = visitor.ask("POST", "/v1/ui/session", {"ticket": made["ticket"]})
        assert (second.status, second.code) == (401, "bad-ticket") and "set-cookie" not in second.headers

    def test_it_carries_the_shot(self, page: Page, shot: Path) -> None:
        token = bare(page, Authorization=f"Bearer {TOKEN}")
        made = token.ask("POST", "/v1/ui/ticket", {"shot": str(shot)}).json
        assert made["url"].endswith(f"#shot={shot}")
        visitor = bare(page, Origin=f"http://127.0.0.1:{page.port}")
        assert visitor.ask("POST", "/v1/ui/session", {"ticket": made["ticket"]}).json["shot"] == str(shot)
        outside = token.ask("POST", "/v1/ui/ticket", {"shot": "/etc/x.shot.json"})
        assert (outside.status, outside.code) == (403, "outside-roots")

    def test_a_session_ends(self, page: Page) -> None:
        own = let_in(page)
        assert own.ask("GET", "/v1/ui/session").status == 200
        assert own.ask("DELETE", "/v1/ui/session").status == 200
        assert own.ask("GET", "/v1/ui/session").code == "bad-session"
        assert page.ask("GET", "/v1/ui/session").status == 200


@pytest.fixture
def built(tmp_path: Path) -> Iterator[tuple[Path, Any]]:
    """A folder of a page, and how a name in it is answered."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / ".hidden").write_text("hidden")
    routes: Any = page_router(folder).routes
    serve = next(route.endpoint for route in routes if route.path.endswith("{name:path}"))
    yield folder, serve


class TestFiles:
    def test_files_carry_a_strict_policy(self, built: tuple[Path, Any]) -> None:
        for name, kind in (("", "text/html"), ("index.html", "text/html"), ("assets/a.js", "text/javascript")):
            answer = built[1](name)
            assert answer.status_code == 200 and answer.media_type.startswith(kind)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert built[1]("").headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        "name",
        [
            "../secret.txt",
            "assets/../../secret.txt",
            "/etc/passwd",
            "link.txt",
            ".hidden",
            "..\\secret.txt",
            "a\0.js",
            "none.js",
            "assets",
        ],
    )
    def test_nothing_leaves_the_folder(self, built: tuple[Path, Any], name: str) -> None:
        answer = built[1](name)
        assert answer.status_code == 404 and b"secret" not in answer.body.replace(b"secret.txt", b"")

    def test_traversal_over_the_wire(self, page: Page) -> None:
        for path in (
            "/ui/../v1/status",
            "/ui/%2e%2e/v1/status",
            "/ui/%2e%2e%2froutes.py",
            "/ui/..%2froutes.py",
            "/ui//etc/passwd",
        ):
            assert bare(page).ask("GET", path).status in (401, 404), path
        assert bare(page).ask("POST", "/ui/").status == 401


def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    kept = tmp_path / "sessions.json"
    with serving(sessions=kept) as before:
        headers = dict(before.headers)
        assert before.ask("GET", "/v1/ui/session").status == 200
    assert headers["Faceplate-Page"] not in kept.read_text() and headers["Cookie"].split("=")[1] not in kept.read_text()
    with serving(sessions=kept) as after:
        cookie = f"faceplate_{after.port}={headers['Cookie'].split('=')[1]}"
        again = Page(after.port, after.service, {"Cookie": cookie, "Faceplate-Page": headers["Faceplate-Page"]})
        assert again.ask("GET", "/v1/ui/session").status == 200
