# SPDX-License-Identifier: Apache-2.0
"""The tasks API, of administrators."""

CONFIGURATION = "plain"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def play(p):
    image = p.image("imported")
    p.quiet("PUT", f"/v2/images/{image}/stage", "demo", body=b"0123456789", headers={"Content-Type": "application/octet-stream"})
    p.quiet("POST", f"/v2/images/{image}/import", "demo", {"method": {"name": "glance-direct"}})
    p.settle(image, lambda found: found.get("status") == "active", "an import")
    tasks = p.quiet("GET", f"/v2/images/{image}/tasks", "demo").get("tasks") or [{}]
    task = p.named(tasks[0].get("id"), "task")
    for who in ("demo", "alt", "reader", "service", "admin", None):
        p.get(f"/v2/tasks/{task}", who)
        p.get(f"/v2/tasks/{NOWHERE}", who)
        p.delete(f"/v2/tasks/{task}", who)
        p.post("/v2/tasks", {"type": "nope", "input": {}}, who)
    for value in ({}, {"type": "import"}, {"type": "import", "input": {}}, {"type": "export", "input": {}}, {"type": 1, "input": {}},
                  {"type": "import", "input": {"import_from": "http://x"}}, {"type": "api_image_import", "input": {}},
                  {"type": "import", "input": {"import_from": "file:///etc/passwd", "import_from_format": "raw", "image_properties": {}}},
                  {"type": "import", "input": {"import_from": "swift://x", "import_from_format": "raw", "image_properties": {}}},
                  {"type": "import", "input": "x"}, {"type": "import", "input": {}, "status": "success"}, [], None):
        p.post("/v2/tasks", value, "admin")
    for query in ("limit=0", "limit=-1", "limit=x", "marker=nope", f"marker={NOWHERE}", "sort_key=nope", "sort_dir=up", "status=nope",
                  "type=nope", "status=success&type=nope", "sort_key=id&sort_dir=asc&status=nope", "status=nope&limit=1"):
        p.get(f"/v2/tasks?{query}", "admin")
    p.get(f"/v2/tasks/{task}", "admin", body=b"{}")
    for method in ("PUT", "PATCH", "POST"):
        p.ask(method, f"/v2/tasks/{task}", "admin")
    for method in ("PUT", "PATCH", "DELETE"):
        p.ask(method, "/v2/tasks", "admin")
