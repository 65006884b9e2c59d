"""Wants an example of each call of an OpenAPI document: of each parameter, of each kind of body, and of each answer that has
a body. Holds each against its schema, and fails with those that are missing or do not fit."""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)

count, faults = 0, []


def look(place, told):
    global count
    if told.get("example", "") == "":
        faults.append(f"{place} has no example")
        return
    count += 1
    schema = {**told["schema"], "components": document["components"]}
    for error in Draft202012Validator(schema).iter_errors(told["example"]):
        faults.append(f"{place}: {list(error.path)} {error.message}")


def look_at_content(place, content):
    for media, told in content.items():
        look(f"{place} {media}", told)


for path, methods in document["paths"].items():
    for method, call in methods.items():
        place = f"{method} {path}"
        for parameter in call.get("parameters", []):
            look(f"{place} {parameter['in']} {parameter['name']}", parameter)
        if "requestBody" in call:
            if not call["requestBody"]["content"]:
                faults.append(f"{place} has a body of no kind")
            look_at_content(f"{place} body", call["requestBody"]["content"])
        if not any(status.startswith("2") for status in call["responses"]):
            faults.append(f"{place} never succeeds")
        for status, answer in call["responses"].items():
            look_at_content(f"{place} {status}", answer.get("content", {}))

for name, answer in document["components"]["responses"].items():
    look_at_content(name, answer["content"])

print("\n".join(faults) or f"{count} examples fit")
sys.exit(1 if faults or not document["paths"] else 0)
