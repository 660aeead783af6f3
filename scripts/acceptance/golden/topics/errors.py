# SPDX-License-Identifier: Apache-2.0
"""The shape of an error by what the client accepts."""

CONFIGURATION = "plain"
ACCEPTS = ["application/json", "text/plain", "text/html", "*/*", "", "application/xml", "text/*", "application/json, text/plain",
           "text/html;q=0.5, application/json;q=0.9", "text/plain;q=0.1, text/html;q=0.9", "application/*", "image/png", "nonsense",
           "application/json;q=0", "text/html, */*;q=0.1"]


def play(p):
    image = p.image("to err with", protected=True)
    for accept in ACCEPTS:
        headers = {"Accept": accept}
        p.get("/v2/images/nope", headers=headers)
        p.get("/v2/images?limit=x", headers=headers)
        p.delete(f"/v2/images/{image}", headers=headers)
        p.get("/v2/images", None, headers=headers)
        p.ask("PUT", "/v2/images", headers=headers)
        p.get("/v2/nowhere", headers=headers)
        p.get("/nowhere", headers=headers)
        p.ask("PATCH", f"/v2/images/{image}", json_body=[{"op": "x"}], headers=headers | {"Content-Type": "text/plain"})
        p.post("/v2/images", {"name": "<b>&\"'"}, headers=headers | {"X-Image": "x"}, who="reader")
        p.post("/v2/images", {"min_ram": "<b>&\"'"}, headers=headers)
    for token in ("nonsense", "", "gAAAAABforged"):
        p.get("/v2/images", None, headers={"X-Auth-Token": token})
        p.get("/v2/images", None, headers={"X-Auth-Token": token, "Accept": "application/json"})
    p.get("/v2/images", None, headers={"X-Identity-Status": "Confirmed", "X-Roles": "admin", "X-Project-Id": "x", "X-User-Id": "x"})
    p.get("/v2/images", headers={"X-Roles": "admin", "X-Project-Id": p.project("alt")})
