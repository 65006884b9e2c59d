"""Holds each example of an OpenAPI document against its schema, and fails with those that do not fit."""

import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)

count, faults = 0, []


def look(place, content):
    global count
    for media, told in content.items():
        if "example" not in told:
            continue
        count += 1
        schema = {**told["schema"], "components": document["components"]}
        for error in Draft202012Validator(schema).iter_errors(told["example"]):
            faults.append(f"{place} {media}: {list(error.path)} {error.message}")


for path, methods in document["paths"].items():
    for method, call in methods.items():
        place = f"{method} {path}"
        look(place, call.get("requestBody", {}).get("content", {}))
        for status, answer in call["responses"].items():
            look(f"{place} {status}", answer.get("content", {}))

for name, answer in document["components"]["responses"].items():
    look(name, answer["content"])

print("\n".join(faults) or f"{count} examples fit")
sys.exit(1 if faults or count < 60 else 0)
