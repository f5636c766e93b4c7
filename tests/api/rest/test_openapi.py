"""The API described by itself."""

from __future__ import annotations

import importlib.util
from typing import Any

from openapi_spec_validator import validate

from fiberlb.api.rest.openapi import described, refusals
from fiberlb.api.rest.routes import ROUTES
from tests.api.rest.asking import Asking
from tests.support.sources import ROOT


class OpenapiTests(Asking):
    """GET /openapi.json."""

    def test_valid(self) -> None:
        """It is what OpenAPI 3.1 says, and has every route."""
        found = self.get("/openapi.json").document
        validate(found)
        listed = {
            (method.upper(), path) for path, each in found["paths"].items() for method in each
        }
        self.assertEqual(listed, {(route.method, route.path) for route in ROUTES})

    def test_led(self) -> None:
        """Every reference leads to a schema, and every schema is led to or stands for a list."""
        document = described(ROUTES)
        led: set[str] = set()

        def look(part: Any) -> None:
            if isinstance(part, dict):
                led.update([part["$ref"]] if "$ref" in part else [])
                part = list(part.values())
            for each in part if isinstance(part, list) else ():
                look(each)

        look(document)
        names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        self.assertEqual(led - names, set())

    def test_refusals(self) -> None:
        """What a route can be refused with follows from what it is."""
        routes = {route.operation: route for route in ROUTES}
        self.assertEqual(refusals(routes["isAlive"]), [400, 421, 500])
        self.assertIn(412, refusals(routes["replacePool"]))
        self.assertNotIn(412, refusals(routes["getPool"]))

    def test_reference(self) -> None:
        """docs/api-reference.html is current; else run C{python docs/api_reference.py}."""
        spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/api_reference.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made = module.page(described(ROUTES))
        self.assertEqual((ROOT / "docs/api-reference.html").read_text("utf-8"), made)
